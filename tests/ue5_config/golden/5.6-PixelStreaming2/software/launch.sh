#!/bin/sh
exec MyProject.sh -RenderOffscreen -ForceRes -ResX=1280 -ResY=720 -Unattended -AudioMixer -StdOut -FullStdOutLogOutput -graphicsadapter=1 -PixelStreamingConnectionURL=ws://10.0.0.5:8888 -PixelStreamingID=game-1 -PixelStreamingWebRTCFps=30
