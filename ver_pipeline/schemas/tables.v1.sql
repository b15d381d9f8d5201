-- ver-tables/1: the tables of a data set.  Derived; see schemas/tables.py.

-- One row a sample: where its bytes lie in the shards, and what people select by.
CREATE TABLE "index" (
    key                   VARCHAR,    -- the sample
    split                 VARCHAR,    -- train, val, test or heldout
    shard                 VARCHAR,    -- file name of the tar
    json_offset           BIGINT,     -- first byte of the record in the tar
    json_size             BIGINT,     -- size of the record
    mp4_offset            BIGINT,     -- first byte of the media in the tar; null when the data set holds none
    mp4_size              BIGINT,     -- size of the media
    jpg_offset            BIGINT,     -- first byte of the poster in the tar; null when there is none
    jpg_size              BIGINT,     -- size of the poster
    json_sha256           VARCHAR,    -- sha256 of the record's bytes in the tar (that of the media is in the record)
    jpg_sha256            VARCHAR,    -- sha256 of the poster's bytes; null when there is none
    source_id             VARCHAR,    -- the video
    group_id              VARCHAR,    -- videos that must not be split over train and test share it
    start_s               DOUBLE,     -- start in the video
    end_s                 DOUBLE,     -- end in the video
    duration_s            DOUBLE,     -- length
    language              VARCHAR,    -- language spoken; und when none
    tier                  VARCHAR,    -- who annotated: cue, teacher or human
    label                 VARCHAR,    -- apparent emotion of the subject
    valence               DOUBLE,     -- unpleasant to pleasant, -1 to 1
    arousal               DOUBLE,     -- calm to excited, -1 to 1
    intensity             BIGINT,     -- 0 to 4
    confidence            DOUBLE,     -- confidence in the label, 0 to 1
    n_faces               BIGINT,     -- face tracks
    n_words               BIGINT,     -- words with a time
    agreement_tier        VARCHAR,    -- A, B or C; null where agreement could not be computed
    license               VARCHAR     -- licence of the video
);

-- One row a raw video that was read.
CREATE TABLE "sources" (
    source_id             VARCHAR,    -- sha256 of the video's bytes
    uri                   VARCHAR,    -- where it lay
    group_id              VARCHAR,    -- videos that must not be split over train and test share it
    title                 VARCHAR,    -- title, where given
    collection            VARCHAR,    -- kind of footage, where given
    speakers              VARCHAR[],  -- who speaks in it, as its sidecar or row says; the names hold over all videos
    license               VARCHAR,    -- SPDX id or LicenseRef-*
    rights_basis          VARCHAR,    -- own, consented, licensed, research-exception or unknown
    consent               VARCHAR,    -- explicit, platform-terms, none or unknown
    duration_s            DOUBLE,     -- length of the video
    fps                   DOUBLE,     -- frames per second (mean where variable)
    variable_fps          BOOLEAN,    -- the frame rate varies
    width                 BIGINT,     -- pixels, as stored
    height                BIGINT,     -- pixels, as stored
    rotation_deg          BIGINT,     -- turn to show it upright
    container             VARCHAR,    -- container format
    video_codec           VARCHAR,    -- codec of the video
    pixel_format          VARCHAR,    -- pixel format of the frame
    audio_codec           VARCHAR,    -- codec of the audio; null when there is none
    sample_rate_hz        BIGINT,     -- sample rate of the audio
    audio_channels        BIGINT,     -- channels of the audio
    audio_track           BIGINT,     -- the audio track that is used, counted from 0; null where none is usable
    audio_tracks          BIGINT,     -- audio tracks of the video
    audio_language        VARCHAR,    -- what the container says of the used track
    video_start_s         DOUBLE,     -- when the first whole frame comes
    field_order           VARCHAR,    -- what the frames show: progressive, tff or bff
    telecined             BOOLEAN,    -- 24 frames a second, spread over fields by pulldown
    color_transfer        VARCHAR,    -- transfer function: smpte2084 and arib-std-b67 are high dynamic range
    color_primaries       VARCHAR,    -- primaries, where named
    color_matrix          VARCHAR,    -- YCbCr matrix, where named
    full_range            BOOLEAN     -- black is 0 and not 16
);

-- One row a sample: its span, media, speech, measurements, adopted annotation, agreement and verdict.
CREATE TABLE "clips" (
    key                   VARCHAR,    -- the sample
    split                 VARCHAR,    -- train, val, test or heldout
    tier                  VARCHAR,    -- who annotated: cue (measured evidence), teacher (a model) or human
    source_id             VARCHAR,    -- the video it was cut from
    group_id              VARCHAR,    -- videos that must not be split over train and test share it
    license               VARCHAR,    -- licence of the video
    start_s               DOUBLE,     -- start in the video
    end_s                 DOUBLE,     -- end in the video
    duration_s            DOUBLE,     -- length
    fps                   DOUBLE,     -- frames per second of the stored clip
    n_frames              BIGINT,     -- frames of the stored clip
    width                 BIGINT,     -- pixels of the stored clip
    height                BIGINT,     -- pixels of the stored clip
    has_audio             BOOLEAN,    -- the clip has audio
    boundary_start        VARCHAR,    -- why it starts there: source, shot, turn, pause or limit
    boundary_end          VARCHAR,    -- why it ends there
    n_shots               BIGINT,     -- camera shots in the clip
    shot_cuts_s           DOUBLE[],   -- cuts inside the clip
    prev_key              VARCHAR,    -- the clip before it in the video
    next_key              VARCHAR,    -- the clip after it in the video
    phash                 VARCHAR[],  -- perceptual hashes of its frames: equal ones look alike
    clip_detector         VARCHAR,    -- what found the cuts
    media_policy          VARCHAR,    -- embed, reference or none
    media_sha256          VARCHAR,    -- sha256 of the stored media
    media_bytes           BIGINT,     -- size of the stored media
    media_mode            VARCHAR,    -- encode or copy
    normalised            VARCHAR[],  -- what was done to the frames: deinterlaced, tone_mapped, ...
    not_normalised        VARCHAR[],  -- what would have to be done and could not
    has_speech            BOOLEAN,    -- somebody speaks
    speech_s              DOUBLE,     -- how long somebody speaks
    language              VARCHAR,    -- language spoken; und when none
    language_prob         DOUBLE,     -- the recogniser's probability of that language
    transcript            VARCHAR,    -- what is said, in the language spoken
    transcript_en         VARCHAR,    -- what is said, in English, where a translation is at hand
    transcript_zh         VARCHAR,    -- what is said, in Chinese, where a translation is at hand
    n_words               BIGINT,     -- words with a time
    n_speakers            BIGINT,     -- voices told apart in it; null where nobody told voices apart
    onscreen              VARCHAR,    -- whether the speaker is seen: on, off, mixed or unknown
    recogniser            VARCHAR,    -- engine and model that heard the speech
    n_faces               BIGINT,     -- face tracks
    max_faces             BIGINT,     -- most faces at once
    f0_mean_hz            DOUBLE,     -- mean pitch of the voice
    f0_sd_st              DOUBLE,     -- spread of the pitch, semitones
    f0_range_st           DOUBLE,     -- range of the pitch, semitones
    loudness_db           DOUBLE,     -- mean loudness, dB relative to full scale
    loudness_sd_db        DOUBLE,     -- spread of the loudness
    rate_syll_s           DOUBLE,     -- syllables per second of speech
    pause_frac            DOUBLE,     -- share of the time that is pause
    voiced_frac           DOUBLE,     -- share of the time that is voiced
    clipped_frac          DOUBLE,     -- share of clipped samples
    silence_frac          DOUBLE,     -- share of the time that is silent
    motion_mean           DOUBLE,     -- mean change of the frame, 0 to 1
    motion_max            DOUBLE,     -- greatest change of the frame, 0 to 1
    brightness            DOUBLE,     -- mean brightness, 0 to 1
    sharpness             DOUBLE,     -- sharpness of the frame
    black_frac            DOUBLE,     -- share of black frames
    static_frac           DOUBLE,     -- share of frames equal to the one before
    polarity              DOUBLE,     -- polarity of what is said, -1 to 1, by lexicon
    label                 VARCHAR,    -- apparent emotion of the subject: one of the 13 canonical ids, or undetermined
    valence               DOUBLE,     -- unpleasant to pleasant, -1 to 1
    arousal               DOUBLE,     -- calm to excited, -1 to 1
    dominance             DOUBLE,     -- powerless to in control, -1 to 1
    intensity             BIGINT,     -- 0 none, 1 slight, 2 clear, 3 strong, 4 extreme
    confidence            DOUBLE,     -- the annotator's confidence in the label, 0 to 1
    mixed                 BOOLEAN,    -- several emotions at once
    ambiguity             VARCHAR,    -- none, low or high
    subject               VARCHAR,    -- whose emotion it is: speaker, person, group or none
    subject_track_id      VARCHAR,    -- the subject's face track
    cause_en              VARCHAR,    -- what brings the emotion about, in English
    cause_zh              VARCHAR,    -- what brings the emotion about, in Chinese
    n_transitions         BIGINT,     -- how often the emotion changes within the clip
    labels_open           VARCHAR[],  -- emotion words as written, English, most fitting first
    labels_canon          VARCHAR[],  -- canonical ids of the label and of the open labels, each once, sorted
    mer6                  VARCHAR,    -- the label in MER2024's 6 classes; null where none fits
    dfew7                 VARCHAR,    -- the label in DFEW's 7 classes; null where none fits
    mafw11                VARCHAR,    -- the label in MAFW's 11 classes; null where none fits
    meld7                 VARCHAR,    -- the label in MELD's 7 classes; null where none fits
    sentiment3            VARCHAR,    -- positive, neutral or negative
    lossy                 VARCHAR[],  -- taxonomies whose class is only approximate here
    description_en        VARCHAR,    -- what is seen, heard and said, and what it suggests, in English
    description_zh        VARCHAR,    -- the same in Chinese
    description_mode      VARCHAR,    -- how the two came about: native-both, zh2en, en2zh or human
    cited_eids            VARCHAR[],  -- evidence that the description cites
    n_evidence            BIGINT,     -- observations of the adopted annotation
    annotator             VARCHAR,    -- who wrote the adopted annotation
    model                 VARCHAR,    -- the model, where one was asked
    n_votes               BIGINT,     -- independent label sources
    label_agreement       DOUBLE,     -- share of them with the adopted label
    sentiment_agreement   DOUBLE,     -- share of them with the adopted sentiment
    valence_sd            DOUBLE,     -- spread of their valence
    arousal_sd            DOUBLE,     -- spread of their arousal
    intensity_sd          DOUBLE,     -- spread of their intensity
    jaccard_open          DOUBLE,     -- overlap of their open labels
    open_f1               DOUBLE,     -- F1 of their open labels
    en_zh_agreement       DOUBLE,     -- agreement of the English and the Chinese text
    self_consistency      DOUBLE,     -- agreement of one annotator with itself
    reasoning_similarity  DOUBLE,     -- likeness of the reasonings
    agreement_method      VARCHAR,    -- majority, dawid-skene or none
    ds_confidence         DOUBLE,     -- Dawid-Skene confidence
    agreement_tier        VARCHAR,    -- A, B or C; null where agreement could not be computed
    status                VARCHAR,    -- accept or review, by the record rules
    rules_version         VARCHAR,    -- version of the record rules
    rules_passed          VARCHAR[],  -- rules that passed
    rules_not_run         VARCHAR[],  -- rules that could not run
    n_findings            BIGINT,     -- findings of the record rules
    human_decision        VARCHAR,    -- accept, reject or corrected; null when no human looked
    reviewers             VARCHAR[],  -- who looked
    minor_possible        BOOLEAN,    -- somebody shown may be a minor; null when nothing looked
    sensitive             BOOLEAN,    -- sensitive content; null when nothing looked
    pii                   VARCHAR[]   -- kinds of personal data in the text
);

-- One row a transcribed segment.
CREATE TABLE "segments" (
    key                   VARCHAR,    -- the sample
    i                     BIGINT,     -- position in the clip, from 0
    start_s               DOUBLE,     -- start in the clip
    end_s                 DOUBLE,     -- end in the clip
    text                  VARCHAR,    -- what is said
    language              VARCHAR,    -- language of the segment
    avg_logprob           DOUBLE,     -- the recogniser's mean log probability
    no_speech_prob        DOUBLE,     -- the recogniser's probability that nobody speaks
    doubt                 VARCHAR,    -- why it may not have been said as it stands; null where nothing speaks against it
    speaker               VARCHAR     -- whose voice it is within the video, such as S1; null where several, or not known
);

-- One row a word (Chinese: a character group) with its time.
CREATE TABLE "words" (
    key                   VARCHAR,    -- the sample
    i                     BIGINT,     -- position in the clip, from 0
    word                  VARCHAR,    -- the word
    start_s               DOUBLE,     -- start in the clip
    end_s                 DOUBLE,     -- end in the clip
    prob                  DOUBLE,     -- the recogniser's probability
    speaker               VARCHAR     -- whose voice it is within the video, such as S1; null where several at once, or not known
);

-- One row a turn: what one voice says until another answers.  Names of voices hold within one video.
CREATE TABLE "turns" (
    key                   VARCHAR,    -- the sample
    i                     BIGINT,     -- position in the clip, from 0
    source_id             VARCHAR,    -- the video
    speaker               VARCHAR,    -- the voice, such as S1; null where it cannot be told whose it is
    start_s               DOUBLE,     -- start in the clip
    end_s                 DOUBLE,     -- end in the clip
    overlap_s             DOUBLE,     -- for how long others speak meanwhile
    n_words               BIGINT,     -- words of the turn
    text                  VARCHAR     -- what is said in it
);

-- One row a face track: where it is and how it looks over time.  No identity.
CREATE TABLE "faces" (
    key                   VARCHAR,    -- the sample
    track_id              VARCHAR,    -- name of the track within the clip
    start_s               DOUBLE,     -- start in the clip
    end_s                 DOUBLE,     -- end in the clip
    mean_conf             DOUBLE,     -- mean confidence of the detector
    x                     DOUBLE,     -- left edge of the mean box, fraction of the width
    y                     DOUBLE,     -- top edge of the mean box, fraction of the height
    width                 DOUBLE,     -- width of the mean box, fraction
    height                DOUBLE,     -- height of the mean box, fraction
    n_boxes               BIGINT,     -- sampled frames in which it was found
    seen_s                DOUBLE[],   -- their times
    dominant              VARCHAR,    -- expression with the greatest mean probability
    peak_s                DOUBLE,     -- when that expression peaks
    p_neutral             DOUBLE,     -- mean probability of a neutral expression
    p_happiness           DOUBLE,     -- mean probability of a happiness expression
    p_sadness             DOUBLE,     -- mean probability of a sadness expression
    p_anger               DOUBLE,     -- mean probability of a anger expression
    p_fear                DOUBLE,     -- mean probability of a fear expression
    p_disgust             DOUBLE,     -- mean probability of a disgust expression
    p_surprise            DOUBLE      -- mean probability of a surprise expression
);

-- One row a person seen or heard in a clip.  Names hold within one clip; nobody is identified.
CREATE TABLE "people" (
    key                   VARCHAR,    -- the sample
    person_id             VARCHAR,    -- name of the person within the clip, such as P1
    source_id             VARCHAR,    -- the video
    track_ids             VARCHAR[],  -- face tracks that are this person's
    speaker               VARCHAR,    -- the voice, such as S1; null where none is known to be theirs
    role                  VARCHAR,    -- speaker, listener, bystander, offscreen_voice or unknown
    onscreen_share        DOUBLE,     -- share of the clip in which the face is seen
    speaking_s            DOUBLE,     -- for how long the person speaks
    n_turns               BIGINT,     -- turns in the talk
    is_subject            BOOLEAN,    -- the one whom the clip's emotion is about
    label                 VARCHAR,    -- the label that holds longest; undetermined where cues carry none
    valence               DOUBLE,     -- mean over the stretches that have one, -1 to 1, weighted by length
    confidence            DOUBLE,     -- the greatest confidence of that label
    n_emotions            BIGINT      -- rows in person_emotions
);

-- One row a stretch in which one person's own cues were judged: what that person seems to feel.
CREATE TABLE "person_emotions" (
    key                   VARCHAR,    -- the sample
    person_id             VARCHAR,    -- the person
    i                     BIGINT,     -- position in order of time, from 0
    start_s               DOUBLE,     -- start in the clip
    end_s                 DOUBLE,     -- end in the clip
    label                 VARCHAR,    -- canonical label, or undetermined
    valence               DOUBLE,     -- -1 to 1
    arousal               DOUBLE,     -- -1 to 1
    intensity             BIGINT,     -- 0 to 4
    confidence            DOUBLE,     -- 0 to 1
    sources               VARCHAR[]   -- what it rests on: face, shape, voice, words
);

-- One row a thing seen, heard or said, of the adopted annotation (0) and of every alternative.
CREATE TABLE "evidence" (
    key                   VARCHAR,    -- the sample
    annotation            BIGINT,     -- 0 adopted, 1... alternatives
    i                     BIGINT,     -- position in the annotation, from 0
    eid                   VARCHAR,    -- id within the annotation
    modality              VARCHAR,    -- face, body, scene, acoustic, lexical or context
    start_s               DOUBLE,     -- start in the clip
    end_s                 DOUBLE,     -- end in the clip
    text_en               VARCHAR,    -- the observation in English
    text_zh               VARCHAR,    -- the observation in Chinese
    quote                 VARCHAR,    -- words of the transcript it stands on
    track_id              VARCHAR,    -- face track it stands on
    polarity              VARCHAR,    -- pos, neg, neutral or ambiguous
    supports              VARCHAR[],  -- labels it speaks for
    source                VARCHAR,    -- detector, asr, vlm, llm or human
    confidence            DOUBLE      -- 0 to 1
);

-- One row an annotator's whole answer: the adopted one (0) and every alternative.
CREATE TABLE "annotations" (
    key                   VARCHAR,    -- the sample
    annotation            BIGINT,     -- 0 adopted, 1... alternatives
    label                 VARCHAR,    -- apparent emotion of the subject: one of the 13 canonical ids, or undetermined
    valence               DOUBLE,     -- unpleasant to pleasant, -1 to 1
    arousal               DOUBLE,     -- calm to excited, -1 to 1
    dominance             DOUBLE,     -- powerless to in control, -1 to 1
    intensity             BIGINT,     -- 0 none, 1 slight, 2 clear, 3 strong, 4 extreme
    confidence            DOUBLE,     -- the annotator's confidence in the label, 0 to 1
    mixed                 BOOLEAN,    -- several emotions at once
    ambiguity             VARCHAR,    -- none, low or high
    subject               VARCHAR,    -- whose emotion it is: speaker, person, group or none
    subject_track_id      VARCHAR,    -- the subject's face track
    cause_en              VARCHAR,    -- what brings the emotion about, in English
    cause_zh              VARCHAR,    -- what brings the emotion about, in Chinese
    n_transitions         BIGINT,     -- how often the emotion changes within the clip
    labels_open           VARCHAR[],  -- emotion words as written, English, most fitting first
    labels_canon          VARCHAR[],  -- canonical ids of the label and of the open labels, each once, sorted
    mer6                  VARCHAR,    -- the label in MER2024's 6 classes; null where none fits
    dfew7                 VARCHAR,    -- the label in DFEW's 7 classes; null where none fits
    mafw11                VARCHAR,    -- the label in MAFW's 11 classes; null where none fits
    meld7                 VARCHAR,    -- the label in MELD's 7 classes; null where none fits
    sentiment3            VARCHAR,    -- positive, neutral or negative
    lossy                 VARCHAR[],  -- taxonomies whose class is only approximate here
    description_en        VARCHAR,    -- what is seen, heard and said, and what it suggests, in English
    description_zh        VARCHAR,    -- the same in Chinese
    description_mode      VARCHAR,    -- how the two came about: native-both, zh2en, en2zh or human
    cited_eids            VARCHAR[],  -- evidence that the description cites
    n_observations        BIGINT,     -- pieces of evidence
    tier                  VARCHAR,    -- cue, teacher or human
    annotator             VARCHAR,    -- who answered
    model                 VARCHAR,    -- the model, where one was asked
    revision              VARCHAR,    -- revision of the model or of the annotator
    prompt_ids            VARCHAR[],  -- prompts that were used
    prompt_sha256         VARCHAR,    -- sha256 of the rendered prompt
    schema_sha256         VARCHAR,    -- sha256 of the answer's schema
    sampling              VARCHAR,    -- how the model was asked, as JSON
    audio_given           BOOLEAN,    -- the annotator heard the audio
    subtitle_given        BOOLEAN,    -- the annotator read the transcript
    input_sha256          VARCHAR,    -- sha256 of all it was given
    output_sha256         VARCHAR,    -- sha256 of its answer
    tokens_in             BIGINT,     -- tokens read
    tokens_out            BIGINT,     -- tokens written
    attempts              BIGINT,     -- tries until an answer was usable
    parse                 VARCHAR,    -- ok or repaired
    sight                 VARCHAR,    -- proven, refused or unproven: whether canaries showed that the model sees
    hearing               VARCHAR,    -- the same of its hearing
    senses_failed         VARCHAR     -- what went wrong with the senses that were refused
);

-- One row a label statement: adopted, open, closed, distribution, vote or transition.
CREATE TABLE "labels" (
    key                   VARCHAR,    -- the sample
    annotation            BIGINT,     -- 0 adopted, 1... alternatives; null for votes
    kind                  VARCHAR,    -- primary, open, closed, dist, vote or transition
    i                     BIGINT,     -- position within its kind, from 0
    taxonomy              VARCHAR,    -- canonical, open, mer6, dfew7, mafw11, meld7 or sentiment3
    label                 VARCHAR,    -- the class, or for open labels the English word
    label_zh              VARCHAR,    -- the Chinese word of an open label
    canon                 VARCHAR,    -- canonical id of the label; null where it has none
    p                     DOUBLE,     -- probability
    valence               DOUBLE,     -- valence of a vote, -1 to 1
    t_s                   DOUBLE,     -- when, for a transition
    from_label            VARCHAR,    -- the label before a transition
    voter                 VARCHAR,    -- the labeling source of a vote
    eids                  VARCHAR[]   -- evidence it stands on
);

-- One row a finding of a record rule on a sample that is in the data set.
CREATE TABLE "findings" (
    key                   VARCHAR,    -- the sample
    i                     BIGINT,     -- position, from 0
    code                  VARCHAR,    -- id of the rule
    severity              VARCHAR,    -- reject, flag or info
    message               VARCHAR,    -- what was found
    pointer               VARCHAR     -- JSON pointer to the place in the record
);

-- One row a video or clip that is not in the data set, and why.
CREATE TABLE "rejects" (
    reason                VARCHAR,    -- stable reason code
    meaning               VARCHAR,    -- the code in words
    stage                 VARCHAR,    -- stage that rejected it
    message               VARCHAR,    -- what was wrong and where
    source_id             VARCHAR,    -- the video; null when it could not be read
    uri                   VARCHAR,    -- where the video lay
    key                   VARCHAR,    -- the clip; null when the whole video was rejected
    retryable             BOOLEAN     -- a rerun without any change may succeed
);

-- One row a stage of a build run: what it cost.  The only table that holds clock times.
CREATE TABLE "runs" (
    run_id                VARCHAR,    -- the run
    stage                 VARCHAR,    -- the stage, or total
    started_utc           VARCHAR,    -- when it began, ISO 8601
    wall_s                DOUBLE,     -- time on the clock
    cpu_s                 DOUBLE,     -- processor time of all workers
    busy_s                DOUBLE,     -- summed time inside the stage over all workers
    rows_in               BIGINT,     -- rows that came in
    rows_out              BIGINT,     -- rows that went out
    n_rejected            BIGINT,     -- rows rejected
    n_cached              BIGINT,     -- rows answered from the cache
    n_retried             BIGINT,     -- rows tried again
    media_s               DOUBLE,     -- seconds of media worked on
    tokens_in             BIGINT,     -- tokens read by teachers
    tokens_out            BIGINT,     -- tokens written by teachers
    gpu_hours_estimate    DOUBLE,     -- hours of the model's own hardware expected before the run; null where nobody could tell
    gpu_hours             DOUBLE,     -- hours that models in these processes worked, GPUs counted; null without such a model
    cost_estimate         DOUBLE,     -- money expected before the run, in the currency of the prices set; null without prices
    cost                  DOUBLE,     -- money spent on teachers, in the same currency; null without prices
    peak_rss_bytes        BIGINT,     -- largest memory of a worker
    n_unseen              BIGINT,     -- observations dropped because the model that wrote them does not see
    sight                 VARCHAR,    -- of canaries: proven, refused or unproven
    hearing               VARCHAR,    -- of canaries: proven, refused or unproven
    senses_failed         VARCHAR,    -- of canaries: what went wrong
    canary_hit_rate       DOUBLE      -- of canaries: the lowest share of things read back right
);

-- One row a sample: the flat join that most people want.
CREATE TABLE "samples" (
    key                   VARCHAR,    -- the sample
    split                 VARCHAR,    -- train, val, test or heldout
    shard                 VARCHAR,    -- file name of the tar
    uri                   VARCHAR,    -- where it lay
    title                 VARCHAR,    -- title, where given
    rights_basis          VARCHAR,    -- own, consented, licensed, research-exception or unknown
    consent               VARCHAR,    -- explicit, platform-terms, none or unknown
    source_id             VARCHAR,    -- the video it was cut from
    group_id              VARCHAR,    -- videos that must not be split over train and test share it
    license               VARCHAR,    -- licence of the video
    start_s               DOUBLE,     -- start in the video
    end_s                 DOUBLE,     -- end in the video
    duration_s            DOUBLE,     -- length
    has_audio             BOOLEAN,    -- the clip has audio
    language              VARCHAR,    -- language spoken; und when none
    transcript            VARCHAR,    -- what is said, in the language spoken
    transcript_en         VARCHAR,    -- what is said, in English, where a translation is at hand
    transcript_zh         VARCHAR,    -- what is said, in Chinese, where a translation is at hand
    n_words               BIGINT,     -- words with a time
    speech_s              DOUBLE,     -- how long somebody speaks
    n_faces               BIGINT,     -- face tracks
    label                 VARCHAR,    -- apparent emotion of the subject: one of the 13 canonical ids, or undetermined
    labels_open           VARCHAR[],  -- emotion words as written, English, most fitting first
    valence               DOUBLE,     -- unpleasant to pleasant, -1 to 1
    arousal               DOUBLE,     -- calm to excited, -1 to 1
    dominance             DOUBLE,     -- powerless to in control, -1 to 1
    intensity             BIGINT,     -- 0 none, 1 slight, 2 clear, 3 strong, 4 extreme
    confidence            DOUBLE,     -- the annotator's confidence in the label, 0 to 1
    mixed                 BOOLEAN,    -- several emotions at once
    tier                  VARCHAR,    -- who annotated: cue (measured evidence), teacher (a model) or human
    annotator             VARCHAR,    -- who wrote the adopted annotation
    model                 VARCHAR,    -- the model, where one was asked
    n_evidence            BIGINT,     -- observations of the adopted annotation
    description_en        VARCHAR,    -- what is seen, heard and said, and what it suggests, in English
    description_zh        VARCHAR,    -- the same in Chinese
    n_votes               BIGINT,     -- independent label sources
    label_agreement       DOUBLE,     -- share of them with the adopted label
    agreement_tier        VARCHAR,    -- A, B or C; null where agreement could not be computed
    status                VARCHAR,    -- accept or review, by the record rules
    n_findings            BIGINT,     -- findings of the record rules
    human_decision        VARCHAR,    -- accept, reject or corrected; null when no human looked
    media_policy          VARCHAR,    -- embed, reference or none
    media_bytes           BIGINT      -- size of the stored media
);
