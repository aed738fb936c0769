"""Assess one walk from Python and print what was found: `python examples/assess_a_walk.py WALK.mp4`."""

import sys

import backsight


def main(path: str) -> None:
    """Assess the walk in a video file."""
    assessment = backsight.assess(walk=path)
    (walk,) = assessment.exercises
    print(f"quality: {walk.quality.verdict}")
    for problem in walk.quality.problems:
        print(f"  {problem.finding}: {problem.tip}")
    print(f"index: {assessment.index} ({assessment.verdict})")
    for item in walk.measurements:
        print(f"  {item.label}: {item.value:.1f} {item.unit}")
    print(assessment.model.headline)


if __name__ == "__main__":
    main(sys.argv[1])
