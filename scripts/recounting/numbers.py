"""Telephone numbers in the one form in which two texts that mean the same are equal."""
from functools import lru_cache

COUNTRY = "32"
DIGITS = {ord(zero) + value: str(value) for zero in "0٠۰０" for value in range(10)}
FILLERS = " \t\r\n\"'<>()\u00a0\u202f\ufeff" + "".join(
    chr(code) for low, high in ((0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x2069)) for code in range(low, high + 1)
)


@lru_cache(maxsize=None)
def number_key(text):
    """The normal form of a number, in which two texts that mean the same are equal; None: it is withheld."""
    bare = text.removeprefix("+")
    if bare.isascii() and bare.isdigit() and (bare != text or len(bare) <= 6):
        return text
    user = user_part(text)
    signs = [DIGITS.get(ord(sign), sign) for sign in user]
    is_word = any(sign.isalpha() or sign.isnumeric() and sign not in "0123456789" for sign in signs)
    if is_word or not any(sign.isdigit() for sign in signs):
        return None
    digits = "".join(sign for sign in signs if sign in "0123456789*#")
    if user.lstrip(FILLERS).startswith("+"):
        before, trunk, after = "".join(signs).partition("(0)")
        return "+" + "".join(sign for sign in (before + after if trunk else before) if sign in "0123456789*#")
    return national_key(digits)


def national_key(digits):
    """The same for what does not begin with a plus."""
    if digits.startswith("00") and len(digits) > 8:
        return "+" + digits[2:]
    for trunk in ("0", COUNTRY):
        if digits.startswith(trunk):
            if len(digits) - len(trunk) in (8, 9):
                return "+" + COUNTRY + digits[len(trunk):]
            break
    return digits if len(digits) <= 6 else "?" + digits


def user_part(text):
    """What stands before the host of a URI."""
    text = text.strip(FILLERS) if any(sign in text for sign in ":@;<\"") else text
    for scheme in ("sip:", "sips:", "tel:"):
        if text.lower().startswith(scheme):
            text = text[len(scheme):]
            break
    return text.split("@")[0].split(";")[0]


def is_internal(key):
    return key is not None and len(key) <= 6 and key.isdigit()
