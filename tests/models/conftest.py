"""What the tests of models share."""

from tests.models.fixtures import smollm2_weights as smollm2_weights
