"""What models put around a text: labels, tags and keys; how they begin before the point and go on after it."""

# ruff: noqa: E501  (a list of words reads better unbroken)
from __future__ import annotations

import re

_LABEL_EN = (
    r"input|output|answer|(?:final|short|full|complete|revised|corrected|updated|improved) (?:answer|response|description|version|output|text)|"
    r"response|assistant|user|system|human|model|ai|"
    r"(?:english |chinese |video |scene |clip |image |emotional? |detailed )?(?:description|caption|translation|summary|analysis|explanation|rationale|reasoning|conclusion)"
    r"(?: \((?:en|zh|english|chinese)\))?|translated text|text|prompt|task|instructions?|question|note|notes|thoughts?|thinking|thought process|"
    r"step \d+|evidence|observations?|result|results|english|chinese|en|zh|json|emotion label|label"
)
_LABEL_ZH = (
    "输入|输出|回答|答案|最终答案|最终回答|描述|(?:中文|英文|视频|画面|情绪|情感|详细|场景)描述|助手|用户|系统|模型|翻译|译文|中文翻译|英文翻译|中文|英文|中文版|英文版|"
    "解释|说明|总结|分析|情感分析|情绪分析|思考|思考过程|推理|推理过程|注|备注|注意|提示|问题|任务|指令|结果|标签|结论"
)
RESIDUE = re.compile(
    rf"^[ \t>*#_\"“'(\[【（-]*(?:{_LABEL_EN})[\"”'*_\])】）]*\s*[:：]"
    rf"|^[ \t>*#_“【（\[]*(?:{_LABEL_ZH})[”*_】）\]]*\s*[:：]"
    r"|(?:^|\s)(?:input|output|assistant|user)\s*:\s*$"
    r"|(?:^|[.。;；\s])(?:Output|Input)\s*:|[.。;；!?！？][\s\"”]*(?:Response|Translation|Final answer|Answer|Assistant)\s*:"
    r"|[。；;.\s](?:翻译|译文|输出|最终答案|回答|中文翻译|英文翻译)\s*[:：]"
    r"|</?[a-z][a-z_]{2,20}>|<\|[^|>\s]{1,40}\|>|\[/?INST\]|\[/?(?:answer|think|output|response|description|translation|text|end|start|system|user|assistant|eos|sep|pad)\]"
    r"|【/?(?:回答|答案|描述|翻译|输出|思考|结束|开始|译文|中文|英文|最终答案)】|###\s*\w"
    r"|\{\{|\}\}|\{[a-z_]{2,30}\}|%\([a-z_]+\)s"
    r"|\"[a-z]+(?:_[a-z]+)*\"\s*:\s*[\[{\"0-9tfn]|```",
    re.IGNORECASE | re.MULTILINE,
)
"""Labels at line heads, tags, braces, keys: pieces of the prompt or of the answer's form."""

_IT_EN = r"(?:the|your|a|an|my|this|its?)\s+(?:\w+[ -]){0,4}(?:description|translation|answer|response|summary|analysis|text|caption|version|result|json|output|annotation|paragraph|explanation|rewrite|revision)"
OPENER = re.compile(
    r"\A[\s*]*(?:"
    r"(?:sure|certainly|of course|absolutely|okay|ok|alright|all right|great|yes|no problem|understood|got it|gladly|happy to help)(?:\s+thing)?\s*[,.!:—-]\s*"
    rf"(?:here(?:['’]s| is| are| you go| it is)|i(?:['’]ll| will| can| have|['’]d be)|let me|let['’]s|below|this is|{_IT_EN})"
    r"|(?:sure|certainly|of course|absolutely|gladly|understood)\s*[!:]"
    rf"|(?:here(?:['’]s| is| are)|below (?:is|are)|(?:the )?following is|this is|i have (?:written|translated|prepared))\s+{_IT_EN}(?:[^.!?\n]{{0,60}}:|\s+(?:of|for|in|based|as|you))"
    r"|here you (?:go|are)|(?:okay|ok|alright|hmm|well|so),?\s+(?:let me|let['’]s|i need to|the user)"
    r"|let(?:\s+me|['’]s) (?:think|see|start|begin|analy[sz]e|describe|break|first|look at|translate|write|consider)\b"
    r"|first,? (?:i|let me|let['’]s|i['’]ll) (?:need|will|should|have to|look|analy[sz]e|think|consider)"
    r"|(?:the user|the task|the prompt|the instructions?) (?:asks?|wants?|requires?|says?|is to|gives?|provided)"
    r"|i(?:['’]ll| will| need to| should| am going to|['’]m going to) (?:now )?(?:describe|translate|analy[sz]e|write|provide|give|start|begin|summari[sz]e)"
    r"|based on (?:the|your) (?:provided|given|supplied|above) (?:information|input|data|observations?|evidence|instructions?|prompt|json|facts)"
    r"|as requested\b|as per your (?:request|instructions?)"
    r"|(?:好的|好|当然|当然可以|没问题|可以|明白了?|收到|嗯|了解)(?:的|呀|啊)?[，,。！!：:、\s]+(?:以下|下面|这是|我来|我将|我会|让我|这里|为您|为你|根据您|根据你|根据要求|翻译|描述如下)"
    r"|(?:以下|下面|如下)(?:就)?(?:是|为)[^。！？\n]{0,30}(?:描述|翻译|译文|回答|答案|总结|分析|内容|版本|文本|结果|说明)(?:[：:]|。|，)"
    r"|(?:让我|我来|我先|首先让我|让我们)(?:先)?(?:想|思考|看看|分析|描述|翻译|总结|梳理)"
    r"|(?:根据|按照)(?:您|你)的?(?:要求|指示|需求|描述|提供)|根据(?:所)?(?:提供|给出|给定|上述|以上)的?(?:信息|内容|数据|证据|观察|输入|指令|提示|要求)"
    r"|用户(?:要求|希望|想要|需要|让我|提供)|(?:描述|翻译|回答|答案|译文)如下"
    r"|我(?:将|会|需要|要)(?:为您|为你|来|对|把|先)?[^。，\n]{0,8}(?:描述|翻译|分析|总结|撰写)"
    r")",
    re.IGNORECASE,
)
"""How models begin before they come to the point.  At the very beginning of a text only."""

CLOSER = re.compile(
    r"(?:(?:\bi )?hope (?:this|that|it) (?:helps?|is helpful|works|meets|clarifies)[^.!?\n]{0,60}"
    r"|\b(?:please )?(?:let me know|feel free to (?:ask|let|reach)|don['’]t hesitate)[^.!?\n]{0,90}"
    r"|\bis there anything else[^.!?\n]{0,60}|\bif you (?:need|want|have|would like|require) (?:any|more|further|me|to|another|additional)[^.!?\n]{0,90}"
    r"|\bwould you like (?:me|to)[^.!?\n]{0,80}|\bend of (?:description|translation|answer|response|text|output)"
    r"|\bthis (?:description|translation) (?:is|has been|captures|adheres|follows|meets|accurately|provides|reflects)[^.!?\n]{0,120}"
    r"|\bword count[^\n]{0,30}|\((?:\d+ (?:words|characters)|end|note:[^)]*|translated[^)]*)\)"
    r"|(?:希望|但愿)(?:这|以上|上述|本)?(?:些|个|段|份)?(?:内容|描述|回答|翻译|信息|分析|答案|解答)?(?:能|可以|会)?(?:够)?(?:对)?(?:您|你)?(?:有所?)?(?:帮助|有用|满意)[^。！？\n]{0,12}"
    r"|如(?:果|有)?(?:您|你)?(?:还)?(?:有|需要)?(?:任何|其他|其它|更多|进一步|别的)[^。！？\n]{0,12}(?:问题|需要|帮助|疑问|需求|修改|调整|要求)[^。！？\n]{0,24}"
    r"|请(?:随时)?(?:告诉我|告知我|联系我|与我联系)[^。！？\n]{0,10}|(?:请问)?(?:您|你)还(?:有|需要)(?:什么|其他)[^。！？\n]{0,12}(?:帮助|需要|吗)"
    r"|(?:以上|上述)(?:就)?(?:是|为)[^。！？\n]{0,24}(?:描述|翻译|译文|回答|答案|总结|分析|内容)|(?:描述|翻译|回答)(?:完毕|结束)"
    r"|[（(](?:字数|共?\d+字|注[：:]|译注|完)[^）)]{0,40}[）)])[.!?。！？~）)\s\"”*]*\Z",
    re.IGNORECASE,
)
"""How models end after they came to the point.  At the very end of a text only."""
