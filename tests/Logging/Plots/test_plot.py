"""Plots are written for what fits, tables hold the right numbers, published scores are right, odd files are skipped."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from Logging import Plot
from Logging.Plot import plot
from Logging.Plots import Figures, PlotParts, Results
from Support.Files import PROJECT


def run(root, name, scores, steps=(0, 50000, 100000), key='reward', frames=4):
    """Writes <root>/<experiment>/<Agent>/<suite>/<task>_<seed>_Eval.csv."""
    path = root / f'{name}_Eval.csv'
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f'{step},{step * frames},7,{step / 100},{score}' for step, score in zip(steps, scores, strict=True)]
    path.write_text('\n'.join([f'step,frame,episode,time,{key}', *rows]) + '\n')
    return path


@pytest.fixture
def root(tmp_path):
    for seed, last in ((1, -10.0), (2, -8.0), (3, -3.0)):
        run(tmp_path, f'Exp/DQNAgent/atari/pong_{seed}', (-21, -18, last))
        run(tmp_path, f'Exp/SPRAgent/atari/pong_{seed}', (-21, -15, last + 2))
        run(tmp_path, f'Exp/DQNAgent/atari/ms_pacman_{seed}', (300, 500, 700))
        run(tmp_path, f'Exp/DQNAgent/classify/mnist_{seed}', (0.1, 0.98, 0.99), (0, 500, 1000), 'accuracy', 1)
        run(tmp_path, f'Exp/DQNAgent/gym/cartpole_{seed}', (20, 400, 500), (0, 20000, 50000), frames=1)
        run(tmp_path, f'Exp/DrQV2Agent/dmc/walker_walk_{seed}', (30, 600, 900), (0, 200000, 500000), frames=2)
    run(tmp_path, 'Other/DQNAgent/atari/pong_1', (-21, -20, -19))
    return tmp_path


def names(paths):
    return sorted(path.name for path in paths)


def test_every_suite_gets_its_figures_and_tables(root, capsys):
    written = plot(root, 'Exp')
    figures = [f'{suite}_{kind}' for suite in ('atari', 'classify', 'dmc')
               for kind in ('bars.png', 'curves.png', 'normalised.csv', 'normalised.png', 'table.csv')]  # fmt: skip
    assert names(written) == sorted([*figures, 'gym_bars.png', 'gym_curves.png', 'gym_table.csv'])
    assert {path.parent for path in written} == {root / 'Exp/Plots'}
    assert capsys.readouterr() == ('', '')
    for path in written:
        if path.suffix == '.png':
            pixels = np.asarray(Image.open(path).convert('RGB'))
            assert pixels.shape[0] > 300 and pixels.shape[1] > 800 and pixels.std() > 5


def test_the_table_holds_mean_std_seeds_and_steps(root):
    plot(root, 'Exp', agents='DQN', suites='atari')
    table = pd.read_csv(root / 'Exp/Plots/atari_table.csv').set_index('task')
    pong = table.loc['pong']
    assert (pong['mean'], pong['n_seeds'], pong['steps'], pong['frames']) == (-7.0, 3, 100000, 400000)
    assert pong['std'] == pytest.approx(13**0.5)  # deviations -3, -1, 4: (9 + 1 + 16) / 2
    assert pong['normalised'] == pytest.approx((-7 + 20.7) / (14.6 + 20.7))
    total = pd.read_csv(root / 'Exp/Plots/atari_normalised.csv').iloc[0]
    pacman = (700 - 307.3) / (6951.6 - 307.3)
    assert (total['n_tasks'], total['n_runs']) == (2, 6)
    assert total['mean'] == pytest.approx((pong['normalised'] + pacman) / 2)
    runs = sorted([*((score + 20.7) / 35.3 for score in (-10, -8, -3)), pacman, pacman, pacman])
    assert total['iqm'] == pytest.approx(np.mean(runs[1:-1]))


def test_filters_and_several_experiments(root):
    found = Results.find(root, ['Exp', 'Other'], agents=['DQNAgent'], tasks=['atari/pong'], seeds=[1])
    assert set(zip(found['experiment'], found['agent'], found['task'], found['seed'], strict=True)) == {
        ('Exp', 'DQN', 'pong', 1), ('Other', 'DQN', 'pong', 1)}  # fmt: skip
    written = plot(root, ['Exp', 'Other'], tasks='pong')
    assert {path.parent for path in written} == {root / 'Exp/Plots'}
    table = pd.read_csv(root / 'Exp/Plots/atari_table.csv')
    assert list(zip(table['experiment'], table['agent'], strict=True)) == [
        ('Exp', 'DQN'),
        ('Exp', 'SPR'),
        ('Other', 'DQN'),
    ]
    assert set(Results.find(root)['experiment']) == {'Exp', 'Other'} == set(Results.experiments(root))


def test_files_that_do_not_fit_are_skipped_with_a_word(root, capsys):
    folder = root / 'Exp/DQNAgent/atari'
    run(root, 'Exp/DQNAgent/atari/pong_1_Eval.1', (5, 5, 5)).rename(folder / 'pong_1_Eval.1.csv')  # an earlier run's
    (folder / 'noseed_Eval.csv').write_text('step,frame,reward\n1,4,5\n')
    (folder / 'breakout_1_Eval.csv').write_text('')
    (folder / 'qbert_1_Eval.csv').write_text('step,frame,episode,time\n1,4,1,1\n')
    (folder / 'alien_1_Eval.csv').write_bytes(b'\xff\xfe\x00step')
    (folder / 'krull_1_Eval.csv').write_text('step,frame,episode,time,reward\n0,0,0,0,nan\n')
    (root / 'Exp/top_1_Eval.csv').write_text('step,frame,reward\n1,4,5\n')
    run(root, 'Exp/DQNAgent/atari/pong_4', (-21, 'nan', -9))
    found = Results.find(root, 'Exp', suites='atari', agents='DQN')
    words = capsys.readouterr().out
    assert set(found['task']) == {'pong', 'ms_pacman'} and set(found['seed']) == {1, 2, 3, 4}
    assert list(found[found['seed'] == 4]['step']) == [0, 100000]
    for name in ('noseed', 'breakout', 'qbert', 'alien', 'krull', 'top'):
        assert f'/{name}_' in words
    assert words.count('Not plotted') == 6
    assert plot(root, 'Exp', suites='atari')


def test_normalized_curves_compare_the_same_tasks(root):
    results = Results.find(root, 'Exp', suites='atari')  # SPR has played Pong alone
    figure = Figures.normalized(results, 'atari', PlotParts.Marks(results))
    assert figure.axes[0].get_title() == 'Atari: mean of 1 task'
    lines = [line for line in figure.axes[0].get_lines() if line.get_color() in PlotParts.COLORS]
    assert [line.get_ydata()[-1] for line in lines] == pytest.approx([(20.7 - 7) / 35.3, (20.7 - 5) / 35.3])
    apart = results[(results['agent'] == 'SPR') | (results['task'] == 'ms_pacman')]
    assert Figures.normalized(apart, 'atari', PlotParts.Marks(apart)) is None


def test_one_run_of_one_evaluation_and_unknown_tasks(tmp_path, capsys):
    run(tmp_path, 'New/MyAgent/atari/not_a_game_9', (3,), (0,))
    run(tmp_path, 'New/MyAgent/gym/my_env_1', (3, 3), (0, 10))
    run(tmp_path, 'New/MyAgent/my_suite/thing_1', (1, 2), (0, 10))
    written = names(plot(tmp_path, 'New'))
    assert {'atari_curves.png', 'gym_bars.png', 'my_suite_curves.png', 'atari_table.csv'} <= set(written)
    assert not any('normalised' in name for name in written)
    assert capsys.readouterr().err == ''


def test_nothing_found_is_a_word_and_no_folder(tmp_path, capsys):
    assert plot(tmp_path, 'Nothing', agents=['X']) == []
    assert 'Nothing to plot' in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_does_not_stop_a_run(root, capsys):
    (root / 'Exp/Plots').write_text('a file where the folder should be')
    assert plot(root, 'Exp', suites='gym') == []
    assert 'Not drawn' in capsys.readouterr().err


def test_seeds_with_other_steps_are_averaged_where_they_are(tmp_path):
    at, scores = Results.on_grid(
        [(np.array([0, 10, 20]), np.array([0.0, 1, 2])), (np.array([0, 20, 40]), np.array([2.0, 4, 6]))]
    )
    assert at.tolist() == [0, 10, 20, 40]
    assert scores[0, :3].tolist() == [0, 1, 2] and np.isnan(scores[0, 3])
    assert scores[1].tolist() == [2, 3, 4, 6]
    mean, low, high = Results.mean_and_band([scores])
    assert mean.tolist() == [1, 2, 3, 6]
    assert low.tolist() == [0, 1, 2, 6] and high.tolist() == [2, 3, 4, 6]


def test_the_band_is_the_bootstrap_interval_of_the_mean():
    scores = np.random.default_rng(0).normal(5, 2, (30, 1))
    mean, low, high = Results.mean_and_band([scores], resamples=20000)
    error = scores.std(ddof=0) / 30**0.5
    assert mean[0] == pytest.approx(scores.mean())
    assert (high - low)[0] == pytest.approx(2 * 1.96 * error, rel=0.05)
    single = Results.mean_and_band([scores[:1]])
    assert np.isnan(single[1]).all() and single[0] == scores[0]
    # Stratified: two tasks whose runs agree within each have no spread, however far the tasks lie apart.
    _, low, high = Results.mean_and_band([np.ones((3, 1)), np.full((3, 1), 9.0)])
    assert (low[0], high[0]) == (5.0, 5.0)


def test_the_same_results_give_the_same_figure(root):
    plot(root, 'Exp', suites='gym')
    first = (root / 'Exp/Plots/gym_curves.png').read_bytes()
    plot(root, 'Exp', suites='gym')
    assert (root / 'Exp/Plots/gym_curves.png').read_bytes() == first


def test_published_figures_carry_their_source_and_match_their_origin():
    for kind in ('scores', 'curves'):
        assert Results.reference(kind)['source'].notna().all()
    pong = Results.published('atari', 'Pong').set_index('method')['score']
    assert (pong['Random'], pong['Human'], pong['DrQ(eps)']) == (-20.7, 14.6, -9.06)
    assert len(Results.published('atari', 'MsPacman')) == len(Results.published('atari', 'ms_pacman')) == 5
    assert Results.published('gym', 'CartPole-v1').set_index('method')['score']['Solved'] == 475
    assert Results.published('classify')['score'].between(0.5, 1).all()
    assert Results.published('dmc', 'walker_walk', 'curves')['method'].unique().tolist() == ['DrQ-v2']
    origin = PROJECT.parent / 'shared/reference/atari_human_random.csv'
    if not origin.exists():
        pytest.skip(f'{origin} is not at hand to compare with')
    for game in pd.read_csv(origin).itertuples():
        copy = Results.published('atari', game.snake_name).set_index('method')['score']
        assert (copy['Random'], copy['Human']) == (game.random, game.human)


def test_normalized_scores_by_hand():
    assert Results.normalized('atari', 'pong', 14.6) == 1
    assert Results.normalized('atari', 'pong', -20.7) == 0
    assert Results.normalized('dmc', 'walker_walk', 500.0) == 0.5
    assert Results.normalized('dmc', 'manipulation_reach_duplo_vision', 125.0) == 0.5  # episodes of 250 frames
    assert Results.normalized('classify', 'mnist', 0.99) == 0.99
    assert np.isnan(Results.normalized('gym', 'cartpole', 500.0))
    assert np.isnan(Results.normalized('atari', 'no_such_game', 1.0))


def test_the_users_matplotlib_is_left_alone(root):
    import matplotlib

    before = dict(matplotlib.rcParams)
    plot(root, 'Exp', suites='gym')
    assert dict(matplotlib.rcParams) == before


def test_a_confusion_matrix(tmp_path, capsys, monkeypatch):
    label = np.arange(10).repeat(100)
    prediction = np.where(np.arange(1000) == 350, 5, label)
    drawn = []
    confusion = Figures.confusion
    monkeypatch.setattr(Figures, 'confusion', lambda *both: drawn.append(both[0]) or confusion(*both))
    path = Plot.save_confusion(tmp_path / 'confusion.png', label, prediction, [f'class {i}' for i in range(10)])
    assert np.asarray(Image.open(path)).shape[0] > 400
    wanted = np.diag([100] * 10)
    wanted[3, 3], wanted[3, 5] = 99, 1
    assert np.array_equal(drawn[0], wanted)
    assert Plot.save_confusion(tmp_path / 'large.png', np.arange(100), np.arange(100), range(100)).exists()
    nothing = np.array([], int)
    assert Plot.save_confusion(tmp_path / 'none.png', nothing, nothing, range(2)).exists()
    (tmp_path / 'bad.png').mkdir()
    assert Plot.save_confusion(tmp_path / 'bad.png', nothing, nothing, range(2)) is None
    assert 'Not drawn' in capsys.readouterr().err


def command(*arguments):
    project = PROJECT
    return subprocess.run(
        [sys.executable, '-m', 'Logging.Plot', *arguments], cwd=project, capture_output=True, text=True
    )


def test_the_command_line(root):
    done = command(f'root={root}', 'experiments=[Exp,Other]', 'suites=gym')
    assert done.returncode == 0 and f'{root}/Exp/Plots/gym_curves.png' in done.stdout
    done = command(f'root={root}', 'experimets=Exp')
    assert done.returncode == 2 and 'Nearest: experiments' in done.stderr and 'Traceback' not in done.stderr


def test_importing_the_module_loads_no_plotting_library():
    heavy = ('matplotlib', 'pandas', 'seaborn', 'torch', 'tqdm', 'PIL')
    code = f'import sys, Logging.Plot, Logging.Logger; print([name for name in {heavy} if name in sys.modules])'
    project = PROJECT
    done = subprocess.run([sys.executable, '-c', code], cwd=project, capture_output=True, text=True)
    assert done.stdout.strip() == '[]', done.stderr
