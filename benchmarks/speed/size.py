"""How much an installation takes on disk: a package with all that it cannot do without."""

from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def installed_mb(packages):
    """Megabytes of packages and of what they require, extras aside; what is missing counts 0."""
    seen, left = set(), [canonicalize_name(package) for package in packages]
    total = 0
    while left:
        name = left.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue
        total += sum(
            path.stat().st_size
            for path in (found.locate_file(file) for file in found.files or ())
            if path.is_file()
        )
        for text in found.requires or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                left.append(canonicalize_name(requirement.name))
    return total / 2**20
