import pytest

for _part in ("contract_reading", "contract_writing", "contract_threads"):
    pytest.register_assert_rewrite(f"{__name__}.{_part}")
