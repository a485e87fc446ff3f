"""Tests neither read nor write what the user's processes have cached; those of the cache choose folders of their own."""

import os

os.environ["GRAPHC_CACHE"] = "0"
