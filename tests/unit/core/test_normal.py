"""What is reduced, and what is kept apart."""

import pytest

from narrows.core.normal import name_sim, normal_document, normal_name, normal_phone


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("LÉVESQUE  CÔTÉ", "levesque cote"),
        ("Lévesque\N{EM DASH}Côté", "levesque cote"),
        ("d'Arcy", "darcy"),
        ("d\N{RIGHT SINGLE QUOTATION MARK}Arcy", "darcy"),
        ("Straße", "strasse"),
        ("ᐃᓄᒃ", "ᐃᓄᒃ"),
        ("…", ""),
    ],
)
def test_names_lose_case_accents_and_punctuation(text: str, normal: str) -> None:
    assert normal_name(text) == normal
    assert normal_name(normal) == normal


def test_documents_keep_letters_and_digits() -> None:
    assert normal_document(" zz-12.34/é") == "ZZ1234E"


@pytest.mark.parametrize(
    ("text", "region", "normal"),
    [
        ("604.555.0142 x3", "CA", "+16045550142"),
        ("+1 (416) 555-0142", "FR", "+14165550142"),
        ("nobody", "CA", None),
        ("12", "CA", None),
    ],
)
def test_phones_become_e164(text: str, region: str, normal: str | None) -> None:
    assert normal_phone(text, region) == normal


def test_names_are_alike_whatever_the_order_of_words_or_the_accents() -> None:
    assert name_sim("Nguyễn Thị Hoa", "HOA NGUYEN-THI") == 1.0
    assert name_sim("Nguyen Thi Hoa", "Nguyen Thi Hao") > 0.9
    assert name_sim("Nguyen", "Roy") < 0.6
    assert name_sim("", "Roy") == name_sim("Roy", "!") == 0.0
    assert name_sim("Roy", "Roi") == name_sim("Roi", "Roy")
