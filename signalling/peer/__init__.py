"""The peers: a synthetic Unreal Engine streamer and a headless player."""
