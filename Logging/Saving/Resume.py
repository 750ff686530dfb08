"""How a run ends, and how a later one goes on with it: what is saved of a run beside its agent, and taken up again.

Importing this module costs milliseconds: what writes files is imported where it is used.
"""

import time

from Support.RandomState import random_state, restore_random_state


def state(run):
    """What decides, beside the agent's tensors, how the run goes on."""
    return {
        'chance': random_state(),
        'agent': run.agent.state(),
        'memory': run.replay.state(),
        'episodes': run.counts['episode'],
        'environment': run.environment.state() if run.environment and not run.broken else None,
        'log': {'scores': run.scores, 'evaluated': run.evaluated, 'best': run.best},
    }


def restore(run, left):
    """Goes on from a `state()`: with the episodes that were open, if they and the replay are still there."""
    run.agent.restore(left['agent'])
    if run.environment:
        run.environment.episodes = left['episodes']
        if left['environment'] and run.replay.resumed:
            run.environment.restore(left['environment'])
        elif run.replay.resumed:
            run.replay.cut()
            print('The episodes that were open when it was saved cannot be gone on with: others begin')
    run.scores, run.evaluated, run.best = (left['log'][name] for name in ('scores', 'evaluated', 'best'))
    restore_random_state(left['chance'])


def save(run, copy=None):
    """The agent and its run as they are now. copy: a name under which it stays."""
    from omegaconf import OmegaConf

    with run.interrupts.held():
        run.finish()
        if run.args.save_per_steps and hasattr(run.replay, 'flush'):
            run.replay.flush()
        run.checkpoints.save(run.agent, state(run), OmegaConf.to_yaml(run.args), copy)


def keep_best(run, report):
    """Where keep_best=true: saves the agent under that name if its evaluation is better than those before."""
    from Logging.Saving.CheckpointFolder import merit

    if run.args.keep_best and (score := merit(report)) and (run.best is None or score[1] > run.best):
        run.best = score[1]
        save(run, copy='best')


def open_log(run):
    """The run's Logger, which goes on where the run does; its record begins beside it."""
    from Logging.Logger import Logger
    from Logging.Record import Record

    args = run.args
    cut = run.start if run.start < args.train_steps else None  # evaluation alone takes no earlier line away
    evaluated = None if cut is None else run.evaluated
    logger = Logger(run.prefix, args.train_steps, args.load, args.tensorboard, cut, evaluated)
    logger.began -= time.monotonic() - run.began  # `time` counts from the start
    run.record = Record(run.prefix, args, run.began, run.replay)
    return logger


def end(run):
    """What save=true promises, if anything was learned."""
    if run.args.save and run.agent.step > run.start and not run.collects:
        save(run)


def close(run):
    """A replay that is not to be saved goes, if this run made it; then the log's files and the environments."""
    if hasattr(run.replay, 'close'):
        run.replay.close(keep=run.args.replay.save)
    for name in ('logger', 'arena', 'environment'):
        if vars(run).get(name):  # it was built
            (run.logger if name == 'logger' else vars(run)[name].suite).close()
    if run.record:
        run.record.end(run.agent.step)
