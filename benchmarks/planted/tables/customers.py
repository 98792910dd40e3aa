"""Customers of a software house: the fee follows from plan, seats and discount, and what they use from the seats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

IDS: Final = ("customer",)

_CITIES: Final = {
    # country, language, currency
    "Lisbon": ("Portugal", "Portuguese", "EUR"),
    "Porto": ("Portugal", "Portuguese", "EUR"),
    "Madrid": ("Spain", "Spanish", "EUR"),
    "Seville": ("Spain", "Spanish", "EUR"),
    "Lyon": ("France", "French", "EUR"),
    "Nantes": ("France", "French", "EUR"),
    "Leeds": ("United Kingdom", "English", "GBP"),
    "Bristol": ("United Kingdom", "English", "GBP"),
    "Zurich": ("Switzerland", "German", "CHF"),
    "Hamburg": ("Germany", "German", "EUR"),
}
_PLANS: Final = {
    # share, seats, fee a seat, support
    "starter": (0.45, 4, 9.0, "community"),
    "team": (0.35, 18, 15.0, "mail"),
    "business": (0.2, 70, 22.0, "telephone"),
}
_INDUSTRIES: Final = ("retail", "education", "logistics", "health", "legal services", "construction")
_PAYMENTS: Final = {"starter": ("card",), "team": ("card", "direct debit"), "business": ("direct debit", "transfer")}


def customers(rows: int, seed: int) -> pd.DataFrame:
    """Return customers in the order in which they signed up, over two years.

    Args:
        rows: Number of customers.
        seed: Seed of the draws.
    """
    import pandas as pd

    draw = np.random.default_rng(seed)
    city = draw.choice(list(_CITIES), rows)
    country, language, currency = (np.array([_CITIES[name][i] for name in city]) for i in range(3))
    plan = draw.choice(list(_PLANS), rows, p=[share for share, *_ in _PLANS.values()])
    usual_seats, fee, support = (np.array([_PLANS[name][i] for name in plan]) for i in (1, 2, 3))
    seats = np.maximum(2, np.round(usual_seats * draw.lognormal(0, 0.35, rows))).astype(int)
    discount = np.select([seats > 60, seats > 25], [20, 10], 5)
    monthly = np.round(seats * fee * (1 - discount / 100), 2)
    age = draw.integers(60, 730, rows)
    signed_up = pd.Timestamp("2025-11-30") - pd.to_timedelta(np.sort(age)[::-1], "D")
    age = np.sort(age)[::-1]
    signed_up_at = signed_up + pd.to_timedelta(np.clip(draw.normal(14, 3, rows), 7, 21.9) * 60 // 1, "min")
    logins = draw.poisson(seats * 15 * draw.lognormal(0, 0.12, rows)) + 10
    return pd.DataFrame(
        {
            "customer": [f"C-{number}" for number in range(40_001, 40_001 + rows)],
            "signed up": signed_up_at,
            "renewal": signed_up + pd.to_timedelta(365 * (age // 365 + 1), "D"),
            "country": country,
            "city": city,
            "language": language,
            "currency": currency,
            "industry": draw.choice(_INDUSTRIES, rows),
            "plan": plan,
            "support": support,
            "payment": [draw.choice(_PAYMENTS[name]) for name in plan],
            "seats": seats,
            "discount %": discount,
            "monthly fee": monthly,
            "paid so far": np.round(monthly * (age // 30) * draw.normal(1, 0.02, rows), 2),
            "logins a month": logins,
            "storage GB": np.round(seats * 2.4 * draw.lognormal(0, 0.15, rows) + 1, 1),
            "tickets a year": draw.poisson(2 + seats / 5),
            "days as customer": age,
        }
    )
