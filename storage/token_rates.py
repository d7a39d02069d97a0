"""Measured tokens per byte of text for each model."""

from storage.database import Reader, Transaction

KEPT = 1_000


def keep(tx: Transaction, model: str, rate: float, now: float) -> None:
    """Record a model's rate. Only the `KEPT` most recently updated models are kept."""
    tx.upsert("token_rates", {"model": model, "rate": rate, "learnt_at": now}, key="model")
    newest = "select model from token_rates order by learnt_at desc limit :kept"
    tx.execute(f"delete from token_rates where model not in ({newest})", kept=KEPT)  # noqa: S608 - a constant


async def every(db: Reader) -> dict[str, float]:
    """Return the rates by model."""
    return {row["model"]: row["rate"] for row in await db.read("select model, rate from token_rates")}
