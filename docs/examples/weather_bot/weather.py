"""Two functions for the weather bot: their types and docstrings are all that the model is told of them."""

from typing import Literal

from threadline import function


@function(read_only=True, repeatable=True)
def get_current_temperature(location: str, unit: Literal["Celsius", "Fahrenheit"] = "Celsius") -> str:
    """The temperature at a location right now, such as San Francisco, CA."""
    return f"{57 if unit == 'Fahrenheit' else 14} degrees {unit} in {location}"


@function(read_only=True, repeatable=True)
async def get_rain_probability(location: str) -> float:
    """How likely rain is at a location, from 0 to 1."""
    return 0.06 if "San Francisco" in location else 0.5
