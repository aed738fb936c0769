"""What a text or a number entered in a form must be like to be kept. Knows no table.

Each check adds what is wrong to a dict of fields, so that a form can say everything at once.
"""

from __future__ import annotations


def check_text(wrong: dict[str, str], field: str, text: str, *, limit: int, may_be_empty: bool = False) -> None:
    """Note what is wrong with a text of at most `limit` letters."""
    if not text.strip() and not may_be_empty:
        wrong[field] = "must not be empty"
    elif len(text.strip()) > limit:
        wrong[field] = f"must be at most {limit} letters, got {len(text.strip())}"
    elif "\0" in text:
        # PostgreSQL cannot keep it.
        wrong[field] = "must be text, got a null character"


def check_range(
    wrong: dict[str, str], field: str, value: float | None, *, within: tuple[float, float], unit: str
) -> None:
    """Note what is wrong with a number that may be left out."""
    # Written so that NaN is refused as well.
    low, high = within
    if value is not None and not low <= value <= high:
        wrong[field] = f"must be {unit} from {low:g} to {high:g} or empty, got {value:g}"
