"""The consultant: from a visitor's words to cards, an answer and actions."""
