"""Invoices of a small company: amounts follow from items, prices and tax rates, and dates from the supplier's terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

IDS: Final = ("invoice",)

_CATEGORIES: Final = {
    # items a line, unit price, kilograms an item, who approves
    "office supplies": (12, 9.0, 0.8, "Ana"),
    "hardware": (4, 240.0, 3.5, "Bruno"),
    "spare parts": (25, 32.0, 1.6, "Bruno"),
    "packaging": (90, 1.4, 0.25, "Carla"),
    "printing": (300, 0.35, 0.03, "Ana"),
    "furniture": (3, 310.0, 21.0, "Diego"),
}
_COUNTRIES: Final = {"Germany": (19, "EUR"), "France": (20, "EUR"), "Netherlands": (21, "EUR"), "Poland": (23, "PLN")}
_ZLOTY: Final = 4.3
_SUPPLIERS: Final = (
    # category, country, days to pay, way of payment
    ("Albrecht Papier", "office supplies", "Germany", 30, "transfer"),
    ("Bureau Lemaire", "office supplies", "France", 30, "transfer"),
    ("Cordes Technik", "hardware", "Germany", 14, "direct debit"),
    ("De Vries Systems", "hardware", "Netherlands", 30, "transfer"),
    ("Etablissements Roux", "spare parts", "France", 45, "transfer"),
    ("Fabryka Nowak", "spare parts", "Poland", 14, "transfer"),
    ("Gruber Verpackung", "packaging", "Germany", 14, "direct debit"),
    ("Haan Packaging", "packaging", "Netherlands", 30, "direct debit"),
    ("Imprimerie Morel", "printing", "France", 30, "card"),
    ("Janssen Druk", "printing", "Netherlands", 14, "card"),
    ("Kowalski Meble", "furniture", "Poland", 45, "transfer"),
    ("Lindner Einrichtung", "furniture", "Germany", 30, "transfer"),
)
_SHARES: Final = (16, 8, 10, 6, 9, 7, 13, 6, 8, 5, 5, 7)


def invoices(rows: int, seed: int) -> pd.DataFrame:
    """Return invoices of one year, in the order of their dates.

    Args:
        rows: Number of invoices.
        seed: Seed of the draws.
    """
    import pandas as pd

    draw = np.random.default_rng(seed)
    shares = np.array(_SHARES) / sum(_SHARES)
    supplier = draw.choice(len(_SUPPLIERS), rows, p=shares)
    name, category, country, terms, payment = (np.array(part)[supplier] for part in zip(*_SUPPLIERS, strict=True))
    usual_items, usual_price, kilograms, clerk = (
        np.array([_CATEGORIES[item][i] for item in category]) for i in range(4)
    )
    rate, currency = (np.array([_COUNTRIES[item][i] for item in country]) for i in range(2))
    items = np.maximum(1, draw.poisson(usual_items * draw.lognormal(0, 0.25, rows)))
    price = usual_price * draw.lognormal(0, 0.15, rows) * np.where(currency == "PLN", _ZLOTY, 1)
    price = np.round(price, 2)
    net = np.round(items * price, 2)
    tax = np.round(net * rate / 100, 2)
    weekday = pd.bdate_range("2025-01-01", "2025-12-31")
    issued = weekday[np.sort(draw.integers(0, len(weekday), rows))]
    entered = issued + pd.to_timedelta(draw.integers(0, 4, rows), "D")
    entered += pd.to_timedelta(np.clip(draw.normal(12.5, 2.2, rows), 8, 17.9) * 60 // 1, "min")
    return pd.DataFrame(
        {
            "invoice": [f"INV-{number:05d}" for number in range(10_001, 10_001 + rows)],
            "supplier": name,
            "country": country,
            "category": category,
            "issued": issued,
            "due": issued + pd.to_timedelta(terms, "D"),
            "entered": entered,
            "entered by": clerk,
            "items": items,
            "unit price": price,
            "net": net,
            "tax rate": rate,
            "tax": tax,
            "total": np.round(net + tax, 2),
            "currency": currency,
            "weight kg": np.round(items * kilograms * draw.normal(1, 0.04, rows) + 0.2, 1),
            "payment": payment,
        }
    )
