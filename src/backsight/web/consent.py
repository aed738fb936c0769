"""What a new study's consent text says until somebody words it for their own. Knows no page and no table."""

from __future__ import annotations

DEFAULT_CONSENT_TEXT = """\
What this is about
You are invited to take part in a study of how people move and how their backs feel. You will be asked for your age, \
sex, height, mass and the history of your back. Then the camera of this device watches you do up to three short \
exercises: touching your toes, walking two metres and jumping. After each you say how your back feels. It takes about \
ten minutes.

What is recorded
Under “What leaves your device” this page says which of two things this study does, and for how long it keeps what is \
sent. Either the picture of your camera is worked on in this browser and thrown away, and what is sent are the \
positions of 33 points of your body over time. Or the videos of your exercises are sent. Your name is kept beside your \
signature and nowhere else; results go by a code.

What it is not
Nothing you see here is a diagnosis, and nobody watches while you record. Do not do an exercise that hurts or that you \
have been told not to do: each can be skipped. Have something to hold on to nearby.

Your rights
Taking part is voluntary. You may stop at any time, come back later with the same link, or withdraw: everything \
recorded of you is then deleted. There is no disadvantage in doing so. Whoever invited you answers your questions.

I have read this, my questions have been answered, and I agree to take part."""
