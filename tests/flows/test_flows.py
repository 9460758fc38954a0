"""The scenarios of PROCESS §7 and the ways through the diagrams, told in Chinese in the `.feature` files."""

import pytest
from pytest_bdd import scenarios

pytestmark = pytest.mark.usefixtures("world")
scenarios(".")
