"""Who gets which Unreal Engine instance: hosts, allocation, queue and sessions."""
