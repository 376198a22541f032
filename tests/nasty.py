"""Texts that some layer somewhere has been known to mangle: each is one that people may send."""

import unicodedata

TEXTS = [
    # Quoting: SQL, JSON, Python and printf, HTML, shells.
    'It\'s "quoted" `back` \\ and \\\\ and \\\' and \\"',
    "\\",
    "'; DROP TABLE messages; -- /* */ #",
    "%s %(name)s %d %% %%s {0} {} ${HOME} $(id) `id`",
    "<script>alert(1)</script> &amp; &#x27; </textarea>",
    '{"type":"new_message","body":"\\u0000"}',
    "\\u0000 \\x00 \\0 \\Z \\N \\% \\_ \\n",
    "null",
    "0",
    "-1e309 NaN Infinity true",
    # White space and control characters, where trimming or line handling would show.
    "  leading and trailing  ",
    "\n\nlines\r\nof\rall\vkinds\f\u0085\u2028\u2029end\n",
    "\ttabs\t",
    "\u00a0\u2003 no-break and wide \u3000\u202f",
    "controls \x01\x02\x07\x08\x0b\x1a\x1b[31mred\x1b[0m\x1f\x7f",
    "C1 \x80\x85\x9f",
    # Not a character, or not one yet, but well-formed.
    "\ufeffbegins with a byte order mark",
    "noncharacters \ufffe \uffff \U0001fffe \U0010ffff \ufdd0 and \ufffd",
    "private \ue000\uf8ff\U000f0000\U0010fffd",
    # Widths in UTF-8 and UTF-16: 1 to 4 bytes, and the edges between.
    "\x7f\x80 \u07ff\u0800 \ud7ff\ue000 \uffff\U00010000 \U0010ffff",
    "😀😃 🜁 𝕳𝖊𝖑𝖑𝖔 𠜎𠜱",
    # Several code points that are one sign.
    "👩‍👩‍👧‍👦 👩🏽‍🚀 🏴󠁧󠁢󠁥󠁮󠁧󠁿 🇺🇳 ☺️ ☺︎ 1️⃣",
    "क्षि நி กำ ཧཱུྃ 각",
    "Z̸̡̛͓̺̲̞̺͗͐̑a̷͉̠̣͖͛̎l̷̤͈̞̅̅g̵̗̜̏o̶̗̼̎",
    # Normal forms, which must stay what they are.
    *(unicodedata.normalize(form, "Ångström ﬁ Ω ṩ 가 ½ é") for form in ("NFC", "NFD", "NFKC", "NFKD")),
    "\u212b \u00c5 A\u030a",
    # Case that does not come back.
    "İıIi ßẞSS ςσΣ ŉ ǆǅǄ ﬀ",
    # Directions and the invisible.
    "עברית العربية English",
    "\u202eright to left\u202c \u2066isolated\u2069 \u200e\u200f",
    "zero\u200bwidth\u200c\u200d\u2060\u00ad\u034f\u180e",
    "\u0301begins with a combining mark",
    "\U000e0041\U000e0042 tags and \ufe0e\ufe0f\U000e0100 variations",
    # Plain text of many hands.
    "Съешь же ещё этих мягких французских булок",
    "いろはにほへと ちりぬるを ﾊﾝｶｸ",
    "我能吞下玻璃而不伤身体。",
    "ᚠᛇᚻ ᛒᛦᚦ ⠓⠑⠇⠇⠕ ꧁꧂ 𓂀𓃒",
    "مَرْحَبًا नमस्ते สวัสดี Γειά Привет გამარჯობა Բարեւ ሰላም",
    "x" * 15_999 + "y",
]
