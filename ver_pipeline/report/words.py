"""The page's words in English and Chinese, and how both stand side by side in the markup."""

from __future__ import annotations

from html import escape
from typing import Any

WORDS: dict[str, tuple[str, str]] = {
    "title": ("What this data set holds", "数据集里有什么"),
    "subtitle": (
        "Clips cut from raw video, with the evidence that was measured, the emotion it suggests, and why.",
        "从原始视频剪出的片段：测得的证据、由此推断的情绪，以及理由。",
    ),
    "samples": ("samples", "样本"),
    "hours": ("hours", "小时"),
    "videos": ("videos", "影片"),
    "groups": ("groups", "分组"),
    "languages": ("languages", "语言"),
    "rejects": ("rejected", "剔除"),
    "agreement": ("mean agreement", "平均一致率"),
    "with_faces": ("show a face", "出现人脸"),
    "with_speech": ("hold speech", "含有语音"),
    "reviewed": ("seen by a human", "经人工审阅"),
    "emotions": ("Emotions", "情绪分布"),
    "emotions_note": (
        "The apparent emotion of the subject. “Undetermined” is an answer: the evidence is too weak.",
        "人物表现出的情绪。“无法判断”也是一种回答：证据不足。",
    ),
    "plane": ("Valence and arousal", "效价与唤醒度"),
    "plane_note": (
        "Each disc is a place on the plane: its area is the number of samples, its colour their most frequent emotion.",
        "每个圆点是平面上的一个位置：面积表示样本数，颜色表示其中最常见的情绪。",
    ),
    "unpleasant": ("unpleasant", "消极"),
    "pleasant": ("pleasant", "积极"),
    "calm": ("calm", "平静"),
    "excited": ("excited", "激动"),
    "intensity": ("Intensity", "强度"),
    "intensity_note": ("0 none, 1 slight, 2 clear, 3 strong, 4 extreme.", "0 无，1 轻微，2 明显，3 强烈，4 极强。"),
    "together": ("Emotions that occur together", "同时出现的情绪"),
    "together_note": (
        "How many samples carry both; the diagonal is each label on its own count.",
        "同时带有两种情绪的样本数；对角线为单个情绪的总数。",
    ),
    "open_words": ("In their own words", "原话中的情绪词"),
    "open_words_note": ("Open labels as written, by frequency.", "标注中使用的开放词，按频次排列。"),
    "shape": ("Shape of the clips", "片段概况"),
    "duration": ("Length in seconds", "时长（秒）"),
    "words": ("Words spoken", "词数"),
    "faces": ("Faces", "人脸数"),
    "spoken": ("Language spoken", "语种"),
    "agree": ("Share of sources that agree, %", "来源一致比例（%）"),
    "marks": ("Agreement tier", "一致等级"),
    "evidence": ("Kind of evidence", "证据类型"),
    "splits": ("Split", "划分"),
    "tiers": ("Who annotated", "标注来源"),
    "funnel": ("From video to sample", "从影片到样本"),
    "funnel_note": (
        "What came in, what was left out, and why. Nothing is dropped without a reason.",
        "进入多少、剔除多少、原因何在。没有无故丢弃的内容。",
    ),
    "videos_in": ("videos looked at", "读取的影片"),
    "videos_good": ("videos that could be used", "可用的影片"),
    "clips_in": ("clips cut", "剪出的片段"),
    "trust": ("Checks", "检查结果"),
    "expectations": ("Expectations of the whole set", "整体期望检查"),
    "expectations_absent": (
        "Not run: this data set holds no expectation results. Not run is not passed.",
        "未运行：没有检查结果。未运行不等于通过。",
    ),
    "passed": ("passed", "通过"),
    "failed": ("failed", "未通过"),
    "not_run": ("not run", "未运行"),
    "check": ("check", "检查项"),
    "outcome": ("outcome", "结果"),
    "findings": ("What the record rules flagged", "记录规则的提示"),
    "no_findings": ("No findings.", "没有提示。"),
    "rule": ("rule", "规则"),
    "why": ("why", "原因"),
    "severity": ("severity", "级别"),
    "count": ("count", "数量"),
    "example": ("example", "示例"),
    "rules_not_run": ("Rules that could not run", "未能运行的规则"),
    "cost": ("Where time and tokens went", "时间与词元开销"),
    "stage": ("stage", "阶段"),
    "busy": ("busy, s", "运行时间（秒）"),
    "rows": ("in → out", "输入 → 输出"),
    "cached": ("from cache", "来自缓存"),
    "annotator": ("annotator", "标注者"),
    "answers": ("answers", "回答"),
    "tokens": ("tokens in / out", "词元 输入 / 输出"),
    "retries": ("asked again", "重试"),
    "senses": ("Senses of the teachers, tested by canaries", "教师模型的感知（以探针检验）"),
    "sight": ("sight", "视觉"),
    "hearing": ("hearing", "听觉"),
    "canaries_passed": ("canaries passed / sent", "通过 / 发出的探针"),
    "hit_rate": ("read back right", "复述正确率"),
    "sense_proven": ("proven", "已证实"),
    "sense_refused": ("refused", "已否定"),
    "sense_unproven": ("unproven", "未检验"),
    "not_recorded": ("Not recorded in this data set.", "本数据集未记录。"),
    "rights": ("Rights", "权利"),
    "license": ("licence", "许可"),
    "basis": ("basis", "依据"),
    "consent": ("consent", "同意"),
    "media": ("media", "媒体"),
    "lineage": ("Lineage", "来源追溯"),
    "lineage_note": (
        "Versions and fingerprints of all that shaped these bytes. The manifest holds the sha256 of each file.",
        "影响数据字节的各工具版本与指纹。清单文件记有每个文件的 sha256。",
    ),
    "tool": ("tool", "工具"),
    "version": ("version", "版本"),
    "fingerprint": ("fingerprint", "指纹"),
    "configuration": ("Configuration", "配置"),
    "gallery": ("Gallery", "样本展示"),
    "gallery_note": (
        "A few samples of each label, the most and the least certain first. Time runs from left to right; "
        "tap a piece of evidence to play from there.",
        "每种情绪的几个样本，先列最确定和最不确定的。时间从左到右；点按某条证据可从该处播放。",
    ),
    "withheld": (
        "Samples flagged as sensitive or as possibly showing a minor are not pictured.",
        "标记为敏感或可能含未成年人的样本不展示画面。",
    ),
    "all": ("all", "全部"),
    "no_media": ("picture and sound are not on this page", "本页不含该片段的画面与声音"),
    "still_only": ("still picture; the video is in the shard", "静态画面；视频见分片"),
    "no_words": ("nobody speaks", "无语音"),
    "confidence": ("confidence", "置信度"),
    "intensity_one": ("intensity", "强度"),
    "valence": ("valence", "效价"),
    "arousal": ("arousal", "唤醒度"),
    "english": ("English", "英文"),
    "chinese": ("Chinese", "中文"),
    "quote": ("quote", "引用"),
    "numbers": ("numbers", "数值"),
    "unknown": ("unknown", "未知"),
    "label": ("label", "标签"),
    "theme": ("light / dark", "浅色 / 深色"),
    "check_it": (
        "Every figure comes from the catalog; any of them can be asked again with “ver query”.",
        "所有数字都来自目录表，可用 “ver query” 复查。",
    ),
}

LANGUAGE_NAMES = {
    "en": ("English", "英语"),
    "zh": ("Chinese", "汉语"),
    "und": ("no speech", "无语音"),
    "mixed": ("mixed", "混合"),
}
MODALITIES = {
    "face": ("face", "面部"),
    "body": ("body", "身体"),
    "scene": ("scene", "场景"),
    "acoustic": ("voice", "声音"),
    "lexical": ("words", "言语"),
    "context": ("context", "情境"),
}
TIERS = {"cue": ("measured cues", "测量线索"), "teacher": ("teacher model", "教师模型"), "human": ("human", "人工")}
SPLITS = {"train": ("train", "训练"), "val": ("val", "验证"), "test": ("test", "测试"), "heldout": ("held out", "保留")}


REASONS_ZH = {
    "empty_file": "文件为空",
    "not_media": "文件不是音视频",
    "no_video": "只有声音，没有画面",
    "still_image": "是单张图片，不是影片",
    "truncated": "文件不完整",
    "encrypted": "内容已加密",
    "changed_source": "读取期间文件发生了变化",
    "unreadable": "无法从存储读取",
    "no_permission": "没有读取权限",
    "duplicate_source": "与另一文件内容相同",
    "takedown": "在下架名单中",
    "bad_sidecar": "附带的说明文件无法理解",
    "too_short": "剩余部分短于最小片段时长",
    "decode_failed": "解码失败",
    "encode_failed": "编码失败",
    "clip_mismatch": "写出的片段与计划不符",
    "crashed": "处理进程两次崩溃",
    "timeout": "两次超出阶段时限",
    "refusal": "标注者拒绝回答",
    "truncated_answer": "标注者的回答被截断",
    "wrong_language": "描述的语言不符合要求",
    "not_json": "回答不是 JSON",
    "schema": "回答不符合格式",
    "ungrounded": "说法没有证据支持",
    "teacher_unavailable": "在允许的次数内无法连接标注服务",
    "low_agreement": "独立来源之间分歧过大",
    "human_rejected": "人工审阅未通过",
    "rule_failed": "未通过必须满足的记录规则",
    "internal_error": "未预见的错误，请反馈",
}


def reason_meaning(reject: dict[str, Any]) -> str:
    """The meaning of a reject's reason, in both languages."""
    return both(str(reject["meaning"]), REASONS_ZH.get(str(reject["reason"]), str(reject["meaning"])))


def both(en: str, zh: str) -> str:
    """Markup that shows the text of the chosen language."""
    return f'<span class="en" lang="en">{escape(en)}</span><span class="zh" lang="zh-Hans">{escape(zh)}</span>'


def say(name: str) -> str:
    """A phrase of :data:`WORDS`."""
    return both(*WORDS[name])


def named(table: dict[str, tuple[str, str]], value: Any) -> str:
    """A value by its name in both languages; an unknown value as it stands."""
    if value is None:
        return say("unknown")
    return both(*table[value]) if value in table else escape(str(value))


def label_name(label: str) -> str:
    """A canonical label in both languages."""
    from ver_pipeline.schemas.labels import labels

    entry = {str(name): item for name, item in labels().items()}.get(label)
    return both(entry.en, entry.zh) if entry else escape(label)
