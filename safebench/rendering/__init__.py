"""The stages *render* and *check*: recipes, their chains of converters, and the fidelity of what they made."""
