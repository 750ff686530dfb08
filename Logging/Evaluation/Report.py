"""The report of an evaluation: the numbers of its Eval line, and the pictures and tables beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from Logging.Evaluation import Video
from Logging.Evaluation.Accuracy import save_predictions, summary
from Logging.Evaluation.Samples import create
from Logging.Plot import save_confusion
from Logging.Sinks import say

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from Agents.Agent import Agent
    from Datasets.Replay.Replay import Replay
    from Environment import Environment

JUDGED = {'accuracy': 1, 'reward': 1, 'fid': -1}  # what an agent is judged by, and whether more (1) or less is better


def evaluate(
    args: DictConfig, agent: Agent, arena: Environment, replay: Replay, prefix: Path
) -> tuple[dict[str, float], dict[str, Path]]:
    """Plays whole episodes, classifies the whole test set, or creates samples.

    args: the run's config. arena: the environments of evaluation. prefix: of the run's files. Returns the numbers of
    the Eval line, and the pictures, videos and tables written, by name.
    """
    report = {'reinforce': play, 'classify': classify, 'generate': create}[agent.domain.name]
    picture = prefix.with_name(f'{prefix.name}_Video_Image') / str(agent.step)  # without suffix
    return report(args, agent, arena, replay, prefix, picture)


def play(
    args: DictConfig, agent: Agent, arena: Environment, replay: Replay, prefix: Path, picture: Path
) -> tuple[dict[str, float], dict[str, Path]]:
    """Plays whole episodes and films the first of them."""
    result = arena.evaluate(agent, args.evaluate_episodes, record=args.video)
    saved, name = None, f'{picture.name}_recorded.mp4' if args.record else f'{picture.name}.mp4'
    if result['video'] is not None:
        saved = Video.save_video(picture.with_name(name), result['video'], fps=60 / arena.suite.frames_per_step)
    if args.record:
        say(f'Recorded: {saved}' if saved else 'Nothing recorded: this task cannot be drawn here')
    numbers = {name: result[name] for name in ('reward', 'reward_std', 'length')}
    return numbers, {'Video': saved} if saved else {}


def classify(
    args: DictConfig, agent: Agent, arena: Environment, replay: Replay, prefix: Path, picture: Path
) -> tuple[dict[str, float], dict[str, Path]]:
    """Classifies the test set; at the end of training writes each prediction, and how often classes were confused."""
    from Logging.Evaluation.TestTimeAugmentation import Views

    viewer = Views(agent, args.tta) if args.tta else agent
    result = arena.evaluate(viewer, args.evaluate_episodes or arena.suite.episodes)
    label, logits = result['labels'], result['actions']
    files: dict[str, Path] = {}
    names = getattr(arena.suite, 'class_names', None) or [str(number) for number in range(logits.shape[1])]
    if agent.step >= args.train_steps:
        confusion = save_confusion(picture.with_suffix('.png'), label, logits.argmax(-1), names)
        files |= {'Confusion': confusion} if confusion else {}
        files['Predictions'] = prefix.with_name(f'{prefix.name}_Predictions.csv')
        save_predictions(files['Predictions'], label, logits, names)
    return summary(label, logits, names), files


def judged(report: Mapping[str, float]) -> str | None:
    """Returns the name of the number that an agent is judged by, or None if the report has none of them."""
    return next((name for name in JUDGED if report.get(name) is not None), None)


def score(report: Mapping[str, float]) -> float | None:
    """Returns the number that an agent is judged by, as it is logged, or None."""
    name = judged(report)
    return report[name] if name else None


def merit(report: Mapping[str, float]) -> float | None:
    """Returns how good an agent is: its score, negative where less is better; None without a score."""
    name = judged(report)
    return JUDGED[name] * report[name] if name else None
