"""The wording of the factory's records: our own sentences, in both languages, about nobody."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Case:
    """What one label looks and sounds like."""

    primary: str
    word_en: str
    word_zh: str
    expression: str
    tone: str
    valence: float | None
    arousal: float | None
    intensity: int
    mer6: str | None
    dfew7: str | None
    mafw11: str | None
    meld7: str | None
    lossy: tuple[str, ...]
    face_en: str
    face_zh: str
    voice_en: str
    voice_zh: str
    said_en: str
    said_zh: str
    quote_en: str
    quote_zh: str
    cause_en: str
    cause_zh: str
    end_en: str
    end_zh: str


LEVEL = ("The voice keeps a level volume at a moderate pace.", "语音音量平稳，语速适中。")
LOUD = ("The voice is loud, with a quick pace and a wide pitch range.", "语音响亮，语速较快，音高起伏明显。")
SOFT = ("The voice is soft and slow, with long pauses.", "语音轻柔缓慢，停顿较长。")

CASES: tuple[Case, ...] = (
    Case("happiness", "happy", "高兴", "happiness", "level", 0.6, 0.3, 3, "happy", "happy", "happiness", "joy", (),
         "The corners of the mouth rise and the eyes narrow.", "嘴角上扬，双眼微微眯起。", *LEVEL,
         "We finally won, and I want everyone to hear it today.", "我们终于赢了，今天我想让大家都听到。",
         "We finally won", "我们终于赢了", "A shared success.", "一次共同的成功。",
         "The person appears happy about the shared success, and the rising mouth fits the words.",
         "此人看起来很高兴，上扬的嘴角与话语一致，像是在为共同的成功欢喜。"),
    Case("sadness", "sad", "悲伤", "sadness", "soft", -0.6, -0.3, 3, "sad", "sad", "sadness", "sadness", (),
         "The corners of the mouth turn down and the gaze drops.", "嘴角下垂，目光低垂。", *SOFT,
         "He left this morning and the house is empty now.", "他今天早上走了，现在屋子里空荡荡的。",
         "the house is empty now", "现在屋子里空荡荡的", "A departure.", "有人离开。",
         "The person appears sad, which the lowered gaze and the talk of an empty house both suggest.",
         "此人看起来很悲伤，低垂的目光和有关空屋子的话都说明了这一点。"),
    Case("neutral", "neutral", "中性", "neutral", "level", 0.0, 0.0, 0, "neutral", "neutral", "neutral", "neutral", (),
         "The mouth stays closed and the brows do not move.", "嘴唇闭合，眉毛没有变化。", *LEVEL,
         "The train leaves at nine and arrives before noon.", "火车九点出发，中午之前到达。",
         "The train leaves at nine", "火车九点出发", "A timetable.", "列车时刻。",
         "The person appears neutral and simply passes on information about a journey.",
         "此人看起来情绪中性，只是在转述一段行程的信息。"),
    Case("anger", "angry", "愤怒", "anger", "loud", -0.7, 0.6, 3, "angry", "angry", "anger", "anger", (),
         "The brows are drawn together and the lips are pressed tight.", "眉头紧锁，双唇紧闭。", *LOUD,
         "You broke your promise again, and I will not wait any longer.", "你又一次不守承诺，我不会再等下去了。",
         "You broke your promise again", "你又一次不守承诺", "A broken promise.", "承诺没有兑现。",
         "The person appears angry about a broken promise, as the drawn brows and the words show.",
         "此人看起来很愤怒，紧锁的眉头和话语都指向没有兑现的承诺。"),
    Case("surprise", "surprised", "惊讶", "surprise", "loud", 0.1, 0.6, 3, "surprise", "surprise", "surprise",
         "surprise", (),
         "The eyes widen and the mouth opens.", "双眼睁大，嘴巴张开。", *LOUD,
         "What, you came all the way from the coast in one day?", "什么，你一天之内就从海边赶过来了？",
         "you came all the way from the coast", "你一天之内就从海边赶过来了", "An unexpected visit.", "意外的来访。",
         "The person appears surprised by an unexpected visit, with wide eyes at that moment.",
         "此人看起来很惊讶，那一刻双眼睁大，像是遇到了意外的来访。"),
    Case("disgust", "disgusted", "厌恶", "disgust", "level", -0.6, 0.2, 2, None, "disgust", "disgust", "disgust", (),
         "The nose wrinkles and the upper lip is raised.", "鼻子皱起，上唇抬高。", *LEVEL,
         "This milk has gone bad, take it away from the table.", "这牛奶已经坏了，快从桌上拿走。",
         "This milk has gone bad", "这牛奶已经坏了", "Spoiled food.", "变质的食物。",
         "The person appears disgusted by the spoiled food, and the wrinkled nose supports this.",
         "此人看起来很厌恶，皱起的鼻子与变质的食物相呼应。"),
    Case("fear", "fearful", "恐惧", "fear", "loud", -0.7, 0.7, 3, "worried", "fear", "fear", "fear", ("mer6",),
         "The eyes are wide open and the lips are stretched.", "双眼圆睁，嘴唇绷紧。", *LOUD,
         "Someone is at the back door, turn off the lights.", "后门有人，快把灯关掉。",
         "Someone is at the back door", "后门有人", "A stranger at the door.", "门外有陌生人。",
         "The person appears fearful of somebody outside, as the stretched lips and the words suggest.",
         "此人看起来很恐惧，绷紧的嘴唇和话语都与门外的人有关。"),
    Case("anxiety", "anxious", "焦虑", "fear", "level", -0.4, 0.4, 2, "worried", "fear", "anxiety", "fear",
         ("dfew7", "meld7"),
         "The inner brows are raised and the lips move slightly.", "眉头内侧抬起，嘴唇微微颤动。", *LEVEL,
         "The exam starts in an hour and I forgot half of it.", "考试一个小时后开始，我忘了一半的内容。",
         "The exam starts in an hour", "考试一个小时后开始", "A coming exam.", "即将到来的考试。",
         "The person appears anxious about a coming exam, which the raised inner brows also suggest.",
         "此人看起来很焦虑，抬起的眉头内侧与即将到来的考试相符。"),
    Case("contempt", "contemptuous", "轻蔑", "disgust", "level", -0.5, 0.1, 2, None, "disgust", "contempt", "disgust",
         ("dfew7", "meld7"),
         "One corner of the mouth tightens and the chin is lifted.", "一侧嘴角收紧，下巴抬起。", *LEVEL,
         "A child could have done this better than you did.", "连小孩子都能做得比你好。",
         "A child could have done this better", "连小孩子都能做得比你好", "Poor work.", "糟糕的成果。",
         "The person appears contemptuous of the work, and the lifted chin points the same way.",
         "此人看起来很轻蔑，抬起的下巴与对成果的评价一致。"),
    Case("helplessness", "helpless", "无助", "sadness", "soft", -0.5, -0.2, 2, "sad", "sad", "helplessness", "sadness",
         ("mer6", "dfew7", "meld7"),
         "The brows slant upwards and the mouth hangs slightly open.", "眉毛向上倾斜，嘴巴微张。", *SOFT,
         "I have tried every door and nobody will let us in.", "我敲遍了每一扇门，没有人让我们进去。",
         "I have tried every door", "我敲遍了每一扇门", "No way left.", "没有别的办法。",
         "The person appears helpless after many vain attempts, in line with the slanting brows.",
         "此人看起来很无助，倾斜的眉毛与多次尝试无果的话相符。"),
    Case("disappointment", "disappointed", "失望", "sadness", "soft", -0.5, -0.2, 2, "sad", "sad", "disappointment",
         "sadness", ("mer6", "dfew7", "meld7"),
         "The gaze falls and the lips press together briefly.", "目光垂下，双唇短暂抿紧。", *SOFT,
         "They gave the part to another actor in the end.", "他们最后把角色给了另一位演员。",
         "They gave the part to another actor", "他们最后把角色给了另一位演员", "A lost part.", "失去的角色。",
         "The person appears disappointed about the lost part, and the falling gaze fits this reading.",
         "此人看起来很失望，垂下的目光与失去角色这件事相符。"),
    Case("contentment", "contented", "满足", "happiness", "level", 0.4, -0.1, 2, "happy", "happy", "happiness", "joy",
         ("mer6", "dfew7", "mafw11", "meld7"),
         "A faint smile stays on the lips and the brow is smooth.", "唇边带着淡淡的微笑，额头舒展。", *LEVEL,
         "The garden is done and we can sit down for tea.", "花园收拾好了，我们可以坐下来喝茶。",
         "The garden is done", "花园收拾好了", "Finished work.", "工作完成。",
         "The person appears contented after finished work, as the faint smile and the words suggest.",
         "此人看起来很满足，淡淡的微笑与完成的工作相符。"),
    Case("undetermined", "undetermined", "无法判断", "neutral", "level", None, None, 0, None, None, None, None, (),
         "The head is turned away and little of the eyes can be seen.", "头部转向一旁，几乎看不到眼睛。", *LEVEL,
         "Put the box over there, next to the other ones.", "把箱子放到那边，和其他的放在一起。",
         "Put the box over there", "把箱子放到那边", "None.", "无。",
         "The evidence is too weak to tell an emotion, so the label is left undetermined.",
         "证据太弱，不足以判断情绪，因此标签保持为无法判断。"),
)  # fmt: skip

SCENES: tuple[tuple[str, str], ...] = (
    ("The clip shows a kitchen with a wooden table and daylight from the left.",
     "片段展示一间厨房，有一张木桌，光线从左侧照入。"),
    ("A narrow office with shelves and a desk lamp fills the frame.", "画面是一间狭长的办公室，有书架和一盏台灯。"),
    ("In the video, a street corner lies under a grey sky beside parked cars.",
     "在视频中，灰色天空下的街角旁停着几辆汽车。"),
    ("A living room with a green sofa and drawn curtains is seen.", "可以看到一间客厅，摆着绿色沙发，窗帘拉上。"),
    ("The scene is a railway platform with a bench and a clock.", "场景是一处站台，有长椅和时钟。"),
    ("A bright classroom with empty chairs stands in the background.", "背景是一间明亮的教室，椅子都空着。"),
    ("Trees and a path behind a low fence make up the background.", "背景由树木和矮篱笆后的小路构成。"),
    ("A dim hallway with two doors leads away from the camera.", "昏暗的走廊通向远处，两侧各有一扇门。"),
    ("A workshop with tools on the wall surrounds the subject.", "四周是一间墙上挂着工具的工作间。"),
    ("The frame opens on a balcony above a quiet square.", "画面开头是一处阳台，下方是安静的广场。"),
    ("A counter with cups and a coffee machine stands at the front.", "前方是摆着杯子和咖啡机的柜台。"),
)  # fmt: skip

BODIES: tuple[tuple[str, str], ...] = (
    ("One hand rests on the edge of a table while the shoulders stay still.", "一只手放在桌边，肩膀保持不动。"),
    ("The upper body leans forward and both hands are visible.", "上身前倾，双手都在画面内。"),
    ("The arms are folded and the weight shifts from one foot to the other.", "双臂交叉，重心在两脚之间移动。"),
    ("A hand points to the side and then drops.", "一只手指向旁边，然后放下。"),
    ("The subject sits upright with the hands in the lap.", "此人坐直，双手放在腿上。"),
    ("The head turns to the right and back again.", "头部转向右侧，又转回来。"),
    ("The shoulders rise once and the hands open.", "肩膀抬起一次，双手张开。"),
    ("The subject walks two steps and stops near the middle.", "此人走了两步，在画面中间附近停下。"),
)  # fmt: skip
