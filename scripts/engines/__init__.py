"""The real engines that the AWS edition is tested on, without Docker.

`python -m scripts.engines start wait` runs them on loopback, `stop` ends what it started.
"""
