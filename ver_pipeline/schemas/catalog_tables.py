"""The tables of the catalog: every column with its type and one line of meaning.

Times are seconds from the clip's first frame unless said otherwise; ``key`` and ``source_id`` join tables.
"""

from __future__ import annotations

from ver_pipeline.schemas.columns import Table, columns
from ver_pipeline.schemas.people_tables import PEOPLE, PERSON_EMOTIONS
from ver_pipeline.schemas.sources_table import SOURCES

EXPRESSIONS = ("neutral", "happiness", "sadness", "anger", "fear", "disgust", "surprise")

_SPAN = """
start_s           float   start in the clip
end_s             float   end in the clip
"""

_EMOTION = """
label             string  apparent emotion of the subject: one of the 13 canonical ids, or undetermined
valence           float   unpleasant to pleasant, -1 to 1
arousal           float   calm to excited, -1 to 1
dominance         float   powerless to in control, -1 to 1
intensity         int     0 none, 1 slight, 2 clear, 3 strong, 4 extreme
confidence        float   the annotator's confidence in the label, 0 to 1
mixed             bool    several emotions at once
ambiguity         string  none, low or high
subject           string  whose emotion it is: speaker, person, group or none
subject_track_id  string  the subject's face track
cause_en          string  what brings the emotion about, in English
cause_zh          string  what brings the emotion about, in Chinese
n_transitions     int     how often the emotion changes within the clip
labels_open       strings emotion words as written, English, most fitting first
labels_canon      strings canonical ids of the label and of the open labels, each once, sorted
mer6              string  the label in MER2024's 6 classes; null where none fits
dfew7             string  the label in DFEW's 7 classes; null where none fits
mafw11            string  the label in MAFW's 11 classes; null where none fits
meld7             string  the label in MELD's 7 classes; null where none fits
sentiment3        string  positive, neutral or negative
lossy             strings taxonomies whose class is only approximate here
description_en    string  what is seen, heard and said, and what it suggests, in English
description_zh    string  the same in Chinese
description_mode  string  how the two came about: native-both, zh2en, en2zh or human
cited_eids        strings evidence that the description cites
"""

CLIPS = Table(
    "clips",
    "One row a sample: its span, media, speech, measurements, adopted annotation, agreement and verdict.",
    ("key",),
    columns(
        """
key               string  the sample
split             string  train, val, test or heldout
tier              string  who annotated: cue (measured evidence), teacher (a model) or human
source_id         string  the video it was cut from
group_id          string  videos that must not be split over train and test share it
license           string  licence of the video
start_s           float   start in the video
end_s             float   end in the video
duration_s        float   length
fps               float   frames per second of the stored clip
n_frames          int     frames of the stored clip
width             int     pixels of the stored clip
height            int     pixels of the stored clip
has_audio         bool    the clip has audio
boundary_start    string  why it starts there: source, shot, turn, pause or limit
boundary_end      string  why it ends there
n_shots           int     camera shots in the clip
shot_cuts_s       floats  cuts inside the clip
prev_key          string  the clip before it in the video
next_key          string  the clip after it in the video
phash             strings perceptual hashes of its frames: equal ones look alike
clip_detector     string  what found the cuts
media_policy      string  embed, reference or none
media_sha256      string  sha256 of the stored media
media_bytes       int     size of the stored media
media_mode        string  encode or copy
normalised        strings what was done to the frames: deinterlaced, tone_mapped, ...
not_normalised    strings what would have to be done and could not
has_speech        bool    somebody speaks
speech_s          float   how long somebody speaks
language          string  language spoken; und when none
language_prob     float   the recogniser's probability of that language
transcript        string  what is said, in the language spoken
transcript_en     string  what is said, in English, where a translation is at hand
transcript_zh     string  what is said, in Chinese, where a translation is at hand
n_words           int     words with a time
n_speakers        int     voices told apart in it; null where nobody told voices apart
onscreen          string  whether the speaker is seen: on, off, mixed or unknown
recogniser        string  engine and model that heard the speech
n_faces           int     face tracks
max_faces         int     most faces at once
f0_mean_hz        float   mean pitch of the voice
f0_sd_st          float   spread of the pitch, semitones
f0_range_st       float   range of the pitch, semitones
loudness_db       float   mean loudness, dB relative to full scale
loudness_sd_db    float   spread of the loudness
rate_syll_s       float   syllables per second of speech
pause_frac        float   share of the time that is pause
voiced_frac       float   share of the time that is voiced
clipped_frac      float   share of clipped samples
silence_frac      float   share of the time that is silent
motion_mean       float   mean change of the frame, 0 to 1
motion_max        float   greatest change of the frame, 0 to 1
brightness        float   mean brightness, 0 to 1
sharpness         float   sharpness of the frame
black_frac        float   share of black frames
static_frac       float   share of frames equal to the one before
polarity          float   polarity of what is said, -1 to 1, by lexicon
"""
        + _EMOTION.strip()
        + """
n_evidence        int     observations of the adopted annotation
annotator         string  who wrote the adopted annotation
model             string  the model, where one was asked
n_votes           int     independent label sources
label_agreement   float   share of them with the adopted label
sentiment_agreement float share of them with the adopted sentiment
valence_sd        float   spread of their valence
arousal_sd        float   spread of their arousal
intensity_sd      float   spread of their intensity
jaccard_open      float   overlap of their open labels
open_f1           float   F1 of their open labels
en_zh_agreement   float   agreement of the English and the Chinese text
self_consistency  float   agreement of one annotator with itself
reasoning_similarity float likeness of the reasonings
agreement_method  string  majority, dawid-skene or none
ds_confidence     float   Dawid-Skene confidence
agreement_tier    string  A, B or C; null where agreement could not be computed
status            string  accept or review, by the record rules
rules_version     string  version of the record rules
rules_passed      strings rules that passed
rules_not_run     strings rules that could not run
n_findings        int     findings of the record rules
human_decision    string  accept, reject or corrected; null when no human looked
reviewers         strings who looked
minor_possible    bool    somebody shown may be a minor; null when nothing looked
sensitive         bool    sensitive content; null when nothing looked
pii               strings kinds of personal data in the text
"""
    ),
)

SEGMENTS = Table(
    "segments",
    "One row a transcribed segment.",
    ("key", "i"),
    columns(
        "key string  the sample\ni int  position in the clip, from 0"
        + _SPAN
        + """text              string  what is said
language          string  language of the segment
avg_logprob       float   the recogniser's mean log probability
no_speech_prob    float   the recogniser's probability that nobody speaks
doubt             string  why it may not have been said as it stands; null where nothing speaks against it
speaker           string  whose voice it is within the video, such as S1; null where several, or not known
"""
    ),
)

WORDS = Table(
    "words",
    "One row a word (Chinese: a character group) with its time.",
    ("key", "i"),
    columns(
        "key string  the sample\ni int  position in the clip, from 0\nword string  the word"
        + _SPAN
        + "prob float  the recogniser's probability\n"
        + "speaker string  whose voice it is within the video, such as S1; null where several at once, or not known"
    ),
)

TURNS = Table(
    "turns",
    "One row a turn: what one voice says until another answers.  Names of voices hold within one video.",
    ("key", "i"),
    columns(
        "key string  the sample\ni int  position in the clip, from 0\nsource_id string  the video\n"
        "speaker string  the voice, such as S1; null where it cannot be told whose it is"
        + _SPAN
        + """overlap_s         float   for how long others speak meanwhile
n_words           int     words of the turn
text              string  what is said in it
"""
    ),
)

FACES = Table(
    "faces",
    "One row a face track: where it is and how it looks over time.  No identity.",
    ("key", "track_id"),
    columns(
        "key string  the sample\ntrack_id string  name of the track within the clip"
        + _SPAN
        + """mean_conf         float   mean confidence of the detector
x                 float   left edge of the mean box, fraction of the width
y                 float   top edge of the mean box, fraction of the height
width             float   width of the mean box, fraction
height            float   height of the mean box, fraction
n_boxes           int     sampled frames in which it was found
seen_s            floats  their times
dominant          string  expression with the greatest mean probability
peak_s            float   when that expression peaks
"""
        + "\n".join(f"p_{name} float  mean probability of a {name} expression" for name in EXPRESSIONS)
    ),
)

EVIDENCE = Table(
    "evidence",
    "One row a thing seen, heard or said, of the adopted annotation (0) and of every alternative.",
    ("key", "annotation", "i"),
    columns(
        "key string  the sample\nannotation int  0 adopted, 1... alternatives\n"
        "i int  position in the annotation, from 0\n"
        "eid string  id within the annotation\n"
        "modality string  face, body, scene, acoustic, lexical or context"
        + _SPAN
        + """text_en           string  the observation in English
text_zh           string  the observation in Chinese
quote             string  words of the transcript it stands on
track_id          string  face track it stands on
polarity          string  pos, neg, neutral or ambiguous
supports          strings labels it speaks for
source            string  detector, asr, vlm, llm or human
confidence        float   0 to 1
"""
    ),
)

ANNOTATIONS = Table(
    "annotations",
    "One row an annotator's whole answer: the adopted one (0) and every alternative.",
    ("key", "annotation"),
    columns(
        "key string  the sample\nannotation int  0 adopted, 1... alternatives\n"
        + _EMOTION.strip()
        + """
n_observations    int     pieces of evidence
tier              string  cue, teacher or human
annotator         string  who answered
model             string  the model, where one was asked
revision          string  revision of the model or of the annotator
prompt_ids        strings prompts that were used
prompt_sha256     string  sha256 of the rendered prompt
schema_sha256     string  sha256 of the answer's schema
sampling          string  how the model was asked, as JSON
audio_given       bool    the annotator heard the audio
subtitle_given    bool    the annotator read the transcript
input_sha256      string  sha256 of all it was given
output_sha256     string  sha256 of its answer
tokens_in         int     tokens read
tokens_out        int     tokens written
attempts          int     tries until an answer was usable
parse             string  ok or repaired
sight             string  proven, refused or unproven: whether canaries showed that the model sees
hearing           string  the same of its hearing
senses_failed     string  what went wrong with the senses that were refused
"""
    ),
)

LABELS = Table(
    "labels",
    "One row a label statement: adopted, open, closed, distribution, vote or transition.",
    ("key", "annotation", "kind", "i"),
    columns("""
key               string  the sample
annotation        int     0 adopted, 1... alternatives; null for votes
kind              string  primary, open, closed, dist, vote or transition
i                 int     position within its kind, from 0
taxonomy          string  canonical, open, mer6, dfew7, mafw11, meld7 or sentiment3
label             string  the class, or for open labels the English word
label_zh          string  the Chinese word of an open label
canon             string  canonical id of the label; null where it has none
p                 float   probability
valence           float   valence of a vote, -1 to 1
t_s               float   when, for a transition
from_label        string  the label before a transition
voter             string  the labeling source of a vote
eids              strings evidence it stands on
"""),
)

FINDINGS = Table(
    "findings",
    "One row a finding of a record rule on a sample that is in the data set.",
    ("key", "i"),
    columns("""
key               string  the sample
i                 int     position, from 0
code              string  id of the rule
severity          string  reject, flag or info
message           string  what was found
pointer           string  JSON pointer to the place in the record
"""),
)

REJECTS = Table(
    "rejects",
    "One row a video or clip that is not in the data set, and why.",
    ("stage", "reason", "source_id", "key", "uri", "message"),
    columns("""
reason            string  stable reason code
meaning           string  the code in words
stage             string  stage that rejected it
message           string  what was wrong and where
source_id         string  the video; null when it could not be read
uri               string  where the video lay
key               string  the clip; null when the whole video was rejected
retryable         bool    a rerun without any change may succeed
"""),
)

RUNS = Table(
    "runs",
    "One row a stage of a build run: what it cost.  The only table that holds clock times.",
    ("run_id", "stage"),
    columns("""
run_id            string  the run
stage             string  the stage, or total
started_utc       string  when it began, ISO 8601
wall_s            float   time on the clock
cpu_s             float   processor time of all workers
busy_s            float   summed time inside the stage over all workers
rows_in           int     rows that came in
rows_out          int     rows that went out
n_rejected        int     rows rejected
n_cached          int     rows answered from the cache
n_retried         int     rows tried again
media_s           float   seconds of media worked on
tokens_in         int     tokens read by teachers
tokens_out        int     tokens written by teachers
gpu_hours_estimate float  hours of the model's own hardware expected before the run; null where nobody could tell
gpu_hours         float   hours that models in these processes worked, GPUs counted; null without such a model
cost_estimate     float   money expected before the run, in the currency of the prices set; null without prices
cost              float   money spent on teachers, in the same currency; null without prices
peak_rss_bytes    int     largest memory of a worker
n_unseen          int     observations dropped because the model that wrote them does not see
sight             string  of canaries: proven, refused or unproven
hearing           string  of canaries: proven, refused or unproven
senses_failed     string  of canaries: what went wrong
canary_hit_rate   float   of canaries: the lowest share of things read back right
"""),
)

_ALL = (
    SOURCES,
    CLIPS,
    SEGMENTS,
    WORDS,
    TURNS,
    FACES,
    PEOPLE,
    PERSON_EMOTIONS,
    EVIDENCE,
    ANNOTATIONS,
    LABELS,
    FINDINGS,
    REJECTS,
    RUNS,
)
TABLES: dict[str, Table] = {table.name: table for table in _ALL}
