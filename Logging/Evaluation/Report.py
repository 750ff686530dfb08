"""What an evaluation came to: the numbers of its Eval line, and the pictures and tables beside it."""

from Logging.Evaluation import Video
from Logging.Evaluation.Accuracy import save_predictions, summary
from Logging.Evaluation.Samples import create
from Logging.Logger import say
from Logging.Plot import save_confusion

JUDGED = {'accuracy': 1, 'reward': 1, 'fid': -1}  # what an agent is judged by, and whether more (1) or less is better


def evaluate(args, agent, arena, memory, prefix):
    """The agent's whole episodes, the whole test set, or samples of what it creates -> numbers by name.

    args: the run's config. arena: Environment of evaluation. memory: what it learns from. prefix: of the run's files,
    pictures and tables.
    """
    report = {'reinforce': play, 'classify': classify, 'generate': create}[agent.domain.name]
    picture = prefix.with_name(f'{prefix.name}_Video_Image') / str(agent.step)  # without suffix
    return report(args, agent, arena, memory, prefix, picture)


def play(args, agent, arena, memory, prefix, picture):
    """Whole episodes, the first of them filmed."""
    result = arena.evaluate(agent, args.evaluate_episodes, record=args.video)
    saved, name = None, f'{picture.name}_recorded.mp4' if args.record else f'{picture.name}.mp4'
    if result['video'] is not None:
        saved = Video.save_video(picture.with_name(name), result['video'], fps=60 / arena.suite.frames_per_step)
    if args.record:
        say(f'Recorded: {saved}' if saved else 'Nothing recorded: this task cannot be drawn here')
    return {name: result[name] for name in ('reward', 'reward_std', 'length')}


def classify(args, agent, arena, memory, prefix, picture):
    """The test set; at the end of training each prediction, and which classes were taken for which."""
    from Logging.Evaluation.TestTimeAugmentation import Views

    viewer = Views(agent, args.tta) if args.tta else agent
    result = arena.evaluate(viewer, args.evaluate_episodes or arena.suite.episodes)
    label, logits = result['labels'], result['actions']
    names = getattr(arena.suite, 'class_names', None) or [str(number) for number in range(logits.shape[1])]
    if agent.step >= args.train_steps:
        save_confusion(picture.with_suffix('.png'), label, logits.argmax(-1), names)
        save_predictions(prefix.with_name(f'{prefix.name}_Predictions.csv'), label, logits, names)
    return summary(label, logits, names)


def judged(report):
    """Returns the name of the number that an agent is judged by, or None if the report has none of them."""
    return next((name for name in JUDGED if report.get(name) is not None), None)


def score(report):
    """Returns the number that an agent is judged by, as it is logged, or None."""
    name = judged(report)
    return report[name] if name else None


def merit(report):
    """Returns how good an agent is: its score, negative where less is better; None without a score."""
    name = judged(report)
    return JUDGED[name] * report[name] if name else None
