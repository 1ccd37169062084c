"""How judging and learning take to many episodes: time, bytes, and how fast either grows.

python benchmarks/scale.py  measures the embedded store and, where QDRANT_URL is set, that server.
"""

import argparse
import math
import os
import statistics
import tempfile
import time
import uuid
from pathlib import Path

import report
from matplotlib.figure import Figure
from tqdm import tqdm

from langchain_memalign import Case, Memory
from langchain_memalign.memory import PutEpisode

QUERIES = 50
TARGETS_MS = {1_000: 2, 10_000: 5, 100_000: 10}
