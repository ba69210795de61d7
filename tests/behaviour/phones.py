"""Spellings of phones, for the body and the query alike."""

from tests.refusals import NO_DIGITS, TOO_LONG, WRONG_LENGTH

NORMALIZED = "491512345678"

SPELLINGS = [
    "491512345678",
    "+491512345678",
    "+49 151 2345678",
    " 49 151 2345678",
    "+49 (151) 2345678",
    "(49)151/234.56-78",
    "49-151-234-56-78",
    "49.151.2345678",
    "49/151/2345678",
    "\t49\u00a0151\u20032345678 ",
    "49\u2010151\u20132345678\u2212",
    "＋４９１５１２３４５６７８",
    "＋４９（１５１）２３４５６７８",
    "４９．１５１／２３４５６７８",
    "٤٩١٥١٢٣٤٥٦٧٨",
    "४९१५१२३४५६७८",
    "\u202a491512345678\u202c",
    "\u202a+49 151 2345678\u202c",
    "\u200e49\u200b151\ufeff2345678",
    "491512345678" + " " * 88,
]

MALFORMED = [
    ("", WRONG_LENGTH),
    ("+", WRONG_LENGTH),
    ("+- ()", WRONG_LENGTH),
    ("1234", WRONG_LENGTH),
    ("1" * 33, WRONG_LENGTH),
    ("\u200f" * 100, WRONG_LENGTH),
    ("12345" + " " * 96, TOO_LONG),
    ("1" * 10_000, TOO_LONG),
    ("0800 CONTACT", NO_DIGITS),
    ("0800-CONTACT", NO_DIGITS),
    ("49151234567x", NO_DIGITS),
    ("49151234567²", NO_DIGITS),
    ("49151234567①", NO_DIGITS),
    ("1234①", NO_DIGITS),
    ("49151234567\0", NO_DIGITS),
    ("49151234567\n", NO_DIGITS),
    ("49,151,234567", NO_DIGITS),
    ("tel:491512345678", NO_DIGITS),
    ("12345#CONTACT", NO_DIGITS),
    ("null", NO_DIGITS),
    ("😀" * 12, NO_DIGITS),
]
"""Each with its refusal."""
