"""Retrieval and chat: the right product, inside the budget, in Korean and English."""
