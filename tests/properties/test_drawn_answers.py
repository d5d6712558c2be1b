"""Same answer, drawn: the federated answer to drawn SQL equals that SQL over the union of all rows.

Catalogs, holders, rows and questions are drawn by a plain random source from a fixed seed; each
question hangs on the seed, its world and its number alone, and a failure names them. Drawing by
Hypothesis would take as long as asking, and its shrinking comes to the same: `running.smallest`.

The reference reads the text itself (`tests/oracle/federated.py`). Compared are the columns, their
names and types, the rows as a bag, and the order as far as `ORDER BY` fixes it. What SQL leaves
open is drawn so that it is not (`tests/oracle/grammar.py`); averages and deviations may differ in
their last digits, and zero has no sign.
"""

import os
from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from narrows.core.terms import Scalar
from tests.oracle.federated import Federation, Sent, difference
from tests.oracle.running import QUESTIONS_A_WORLD, Different, ask_many, compared, questions
from tests.oracle.world import World, draw_world
from tests.proof.merging import Merged
from tests.proof.stores import Stores
from tests.proof.worlds import EXAMPLES, SEED

_A_FEW = 300
FLOORS = {}
