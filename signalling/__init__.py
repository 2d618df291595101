"""Pixel Streaming signalling: introduces browsers to Unreal Engine instances."""
