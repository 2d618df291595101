#!/bin/sh
exec MyProject.sh -RenderOffscreen -ForceRes -ResX=1920 -ResY=1080 -Unattended -AudioMixer -StdOut -FullStdOutLogOutput -graphicsadapter=1 -PixelStreamingURL=ws://10.0.0.5:8888 -PixelStreamingID=game-1 -PixelStreamingWebRTCFps=30
