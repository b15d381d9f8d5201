"""Word lists about what may be named without having been seen: languages spoken, tears, gestures, places, events, looks."""

# ruff: noqa: E501  (a list of words reads better unbroken)
from __future__ import annotations

import re


def both(english: str, chinese: str) -> re.Pattern[str]:
    """Either language's words; the English ones whole."""
    return re.compile(rf"\b(?:{english})\b|{chinese}", re.IGNORECASE)


def _spoken(english: str, chinese: str) -> re.Pattern[str]:
    say = r"(?:speak(?:s|ing)?|spoke|spoken|talk(?:s|ing)?|say(?:s|ing)?|said|utter(?:s|ed|ance)?|shout(?:s|ing)?|whisper(?:s|ing)?|repl(?:y|ies)|answers?)"
    return both(
        rf"{say}(?: \w+){{0,4}}? (?:in )?(?:fluent |broken |rapid |quick |slow |native |standard )?(?:{english})|(?:in|his|her|their) (?:fluent |broken |native |standard )?(?:{english})|(?:{english})[- ](?:speech|utterances?|sentences?|words|dialogue|speaking|speaker|phrases?)|speech (?:is )?in (?:{english})|short utterance in (?:{english})",
        rf"(?:说|讲|用|以|操着)(?:着|的是|一口|流利的|标准的|一句|几句)*(?:{chinese})|(?:{chinese})(?:对白|台词|语音|说话|发言|对话|交流|独白)",
    )


LANGUAGES_SPOKEN: dict[str, re.Pattern[str]] = {
    "zh": _spoken("chinese|mandarin|cantonese|putonghua", "中文|汉语|普通话|国语|华语|粤语"),
    "en": _spoken("english", "英语|英文"),
    "fr": _spoken("french", "法语|法文"),
    "de": _spoken("german", "德语|德文"),
    "es": _spoken("spanish", "西班牙语|西语"),
    "ja": _spoken("japanese", "日语|日文"),
    "ko": _spoken("korean", "韩语|韩文|朝鲜语"),
    "ru": _spoken("russian", "俄语|俄文"),
    "it": _spoken("italian", "意大利语"),
    "pt": _spoken("portuguese", "葡萄牙语"),
    "ar": _spoken("arabic", "阿拉伯语"),
    "hi": _spoken("hindi", "印地语"),
}
"""ISO 639-1 code to how a text says that it is spoken."""

LOOKS = both(
    r"wear(?:s|ing) (?:a|an|his|her|the|dark|black|white|red|blue|green)|jackets?|shirts?|sweaters?|eyeglasses|spectacles|"
    r"(?:long|short|dark|blonde?|brown|black|gr[ae]y|white|curly) hair|the camera",
    "穿着|身穿|夹克|衬衫|外套|毛衣|眼镜|头发",
)
"""Clothes and hair: what only who sees can tell."""
THINGS: dict[str, dict[str, re.Pattern[str]]] = {
    "tears": {
        "tears": both(
            r"tears?(?! (?:up|apart|down|off|open))|tearful(?:ly)?|teary|weep(?:s|ing)?|wept|sob(?:s|bing|bed)?|cr(?:y|ies|ied)|crying",
            "眼泪|泪水|泪光|流泪|落泪|含泪|热泪|泪|哭",
        ),
    },
    "a gesture": {
        "pointing": both(
            r"point(?:s|ing|ed)? (?:at|to|towards?|a finger|his|her|their|away|up|down|out)|index finger",
            "手指|指着|指向|食指",
        ),
        "a fist": both(r"fists?|clench(?:es|ed|ing)?", "拳"),
        "nodding": both(r"nod(?:s|ding|ded)?", "点头|颔首"),
        "shaking the head": both(
            r"shak(?:es?|ing) (?:his|her|their|the) head|shook (?:his|her|their|the) head|head shakes?",
            "摇头|摇了摇头|摇着头",
        ),
        "clapping": both(r"clap(?:s|ping|ped)?|applaud(?:s|ing|ed)?|applause", "鼓掌|拍手|掌声"),
        "an embrace": both(r"hug(?:s|ging|ged)?|embrac(?:e|es|ed|ing)", "拥抱|抱住|搂|相拥|抱"),
        "waving": both(r"wav(?:es|ing|ed) (?:at|to|a|his|her|their|goodbye|both|one)|waves", "挥手|招手|挥动"),
        "a slap": both(r"slap(?:s|ped|ping)?", "耳光|巴掌|掌掴"),
        "kneeling": both(r"kneel(?:s|ing)?|knelt", "跪"),
        "shrugging": both(r"shrug(?:s|ging|ged)?|shoulders? (?:rise|lift|raised)", "耸肩|肩"),
        "a kiss": both(r"kiss(?:es|ing|ed)?", "亲吻|吻|亲了"),
        "covering the face": both(
            r"(?:cover(?:s|ing|ed)?|hid(?:es|ing|den)|bur(?:y|ies|ied|ying)) (?:his|her|their|the) (?:face|mouth|eyes)(?: \w+)?",
            "捂住|捂着|掩面|捂",
        ),
        "a dance": both(r"danc(?:es?|ing|ed)", "跳舞|舞蹈|起舞"),
        "throwing": both(r"throw(?:s|ing|n)?|threw|slam(?:s|med|ming)?", "扔|摔|砸"),
    },
    "a place": {
        "a kitchen": both(r"kitchens?|stoves?", "厨房|灶台"),
        "an office": both(r"offices?|cubicles?|desks?", "办公|书桌|工位"),
        "a hospital": both(r"hospitals?|ward|sickbed|clinic", "医院|病房|病床|诊所"),
        "a street": both(r"streets?|sidewalks?|pavements?|roads?|alleys?", "街|马路|道路|小巷|人行道"),
        "a classroom": both(
            r"classrooms?|lecture (?:hall|theatre|theater)s?|blackboards?|schoolroom", "教室|课堂|讲堂|阶梯教室|黑板"
        ),
        "a car": both(r"cars?|dashboards?|steering wheels?|back ?seats?|taxis?|vehicles?", "车"),
        "a restaurant": both(r"restaurants?|caf[eé]s?|diners?|bars?|pubs?", "餐厅|饭店|咖啡馆|咖啡厅|酒吧|饭馆|餐馆"),
        "a bedroom": both(r"bedrooms?|beds?", "卧室|床"),
        "a living room": both(r"living rooms?|sofas?|couch(?:es)?", "客厅|沙发"),
        "a stage": both(r"stages?|podiums?|lecterns?|auditoriums?", "舞台|讲台|礼堂|台上"),
        "a court": both(r"courtrooms?|courts?|judge's bench", "法庭|法院"),
        "a station": both(r"platforms?|stations?|airports?|trains?", "车站|站台|机场|月台|火车"),
        "a forest or park": both(r"forests?|woods|parks?|gardens?|trees?", "森林|树林|公园|花园|树"),
        "a beach": both(r"beach(?:es)?|sea(?:side|shore)?|ocean|shore", "海滩|海边|沙滩|大海"),
        "a shop": both(r"shops?|stores?|supermarkets?|markets?|counters?", "商店|超市|店铺|柜台|市场"),
        "a church": both(r"church(?:es)?|temples?|altars?|cathedral", "教堂|寺庙|祭坛"),
        "a prison": both(r"prisons?|jails?|cell bars", "监狱|牢房|铁窗"),
        "a gym": both(r"gyms?|stadiums?|sports fields?|arena", "体育馆|体育场|操场|健身房|球场"),
    },
    "an event": {
        "a wedding": both(r"weddings?|brides?|grooms?", "婚礼|新娘|新郎"),
        "a funeral": both(r"funerals?|coffins?|burials?|mourners?", "葬礼|灵堂|棺材|追悼"),
        "a birthday": both(r"birthdays?|birthday cakes?", "生日"),
        "an accident": both(r"accidents?|crash(?:es|ed)?|collisions?", "车祸|事故|撞车"),
        "a fight": both(r"fistfights?|brawls?|punch(?:es|ed|ing)?|beats? (?:him|her|them)", "打架|斗殴|殴打|挥拳"),
        "an explosion": both(r"explosions?|explod(?:es?|ed|ing)|gunshots?|gunfire", "爆炸|枪声|枪响"),
        "a party": both(r"part(?:y|ies)(?! (?:to|of|with))|banquets?|feasts?", "派对|聚会|宴会|晚宴"),
        "a meeting": both(r"conference rooms?|press conferences?|board meetings?", "会议|发布会"),
        "a competition": both(r"competitions?|championships?|trophy|trophies|medals?", "比赛|冠军|奖杯|奖牌"),
        "a proposal": both(r"proposes marriage|engagement ring", "求婚|钻戒"),
    },
}
"""Kind, thing, and the words of both languages by which it may be named; one of them in the evidence supports all."""

TEARS = both(
    r"tears? (?:stream(?:s|ing)?|run(?:s|ning)?|roll(?:s|ing)?|well(?:s|ing)?|fall(?:s|ing)?|fill(?:s|ing)?)|tearful face|(?:is|are) (?:crying|sobbing|weeping)|(?:cries|sobs|weeps)",
    "泪流满面|流泪|落泪|哭泣|痛哭|哭了|泪水|眼含泪",
)
WIDE_EYES = both(
    r"eyes (?:are |go |grow |fly )?(?:wide(?:ned)?(?: open)?|widen(?:s|ed)?)|wide[- ]eyed|wide eyes|jaw drops|mouth (?:drops|falls|hangs|gapes) open",
    "双眼圆睁|瞪大(?:了|着)?(?:双眼|眼睛|眼)|睁大(?:了|着)?(?:双眼|眼睛|眼)|目瞪口呆|张大(?:了|着)?嘴",
)
BLANK = both(
    r"expressionless|blank (?:face|expression|look)|(?:face|expression) (?:is|stays|remains) (?:blank|neutral|expressionless|impassive)",
    "面无表情|毫无表情|表情平淡|神情木然",
)
