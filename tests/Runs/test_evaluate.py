"""Evaluation of saved agents: all of a run, the best one, one that is filmed."""

import pytest

from Logging.Evaluation import Report
from tests.Runs.tiny import CARTPOLE, PREFIX, SAVED, files, run, saved, table


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_checkpoint_is_evaluated(monkeypatch, capsys):
    run(*CARTPOLE, 'save_per_steps=10', 'keep_checkpoints=2')
    names = ['agent_20.safetensors', 'agent_40.safetensors', 'agent.safetensors']
    assert sorted(path.name for path in SAVED.glob('*.safetensors')) == sorted(names)
    before = files()
    evaluate, scores = Report.evaluate, {0: 0.0, 20: 3.0, 40: 7.0, 60: 5.0}

    def scored(args, agent, *given):
        numbers, files = evaluate(args, agent, *given)
        return numbers | {'reward': scores[agent.step]}, files

    monkeypatch.setattr(Report, 'evaluate', scored)
    capsys.readouterr()
    run(*CARTPOLE, 'evaluate_checkpoints=true')
    assert 'the best is agent_40.safetensors (step 40) with reward 7' in capsys.readouterr().out
    rows = table(f'{PREFIX}_Checkpoints.csv')
    assert [(row['file'], float(row['reward'])) for row in rows] == list(zip(names, (3, 7, 5), strict=True))
    after = files()
    assert {name for name in after if before.get(name) != after[name]} == {
        f'{PREFIX}_{kind}' for kind in ('Checkpoints.csv', 'Run.json')
    }
    run(*CARTPOLE, 'evaluate_checkpoints=true', 'hidden_dim=8', status=2)
    assert files()[f'{PREFIX}_Checkpoints.csv'] == after[f'{PREFIX}_Checkpoints.csv']

    run(*CARTPOLE, 'hidden_dim=8')  # what is there is kept under other names, of another network
    assert (SAVED / 'agent_20.1.safetensors').is_file() and not (SAVED / 'agent_20.safetensors').exists()
    run(*CARTPOLE, 'hidden_dim=8', 'evaluate_checkpoints=true')
    assert [row['file'] for row in table(f'{PREFIX}_Checkpoints.csv')] == ['agent.safetensors']
    assert capsys.readouterr().out.count('Left out') == 2 * 3 and len(table(f'{PREFIX}_Checkpoints.1.csv')) == 3


def test_the_best_agent_stays_and_is_loaded(monkeypatch, capsys):
    evaluate, scores = Report.evaluate, {0: 1.0, 20: 5.0, 40: 3.0, 60: 4.0, 80: 4.5, 100: 6.0}

    def scored(args, agent, *given):
        numbers, files = evaluate(args, agent, *given)
        return numbers | {'reward': scores[agent.step]}, files

    monkeypatch.setattr(Report, 'evaluate', scored)
    words = [*CARTPOLE, 'keep_best=true', 'evaluate_per_steps=20', 'save_per_steps=20', 'keep_checkpoints=2']
    best = SAVED / 'agent_best.safetensors'
    run(*words)
    assert saved(best)[0]['step'] == 20 and saved(SAVED / 'agent.safetensors')[0]['step'] == 60
    run(*words, 'load=true', 'train_steps=80')
    assert saved(best)[0]['step'] == 20  # what was best before the run went on is remembered
    run(*words, 'load=true', 'train_steps=100')
    assert saved(best)[0]['step'] == 100
    for which, step in ('best', 100), (40, 40), (SAVED / 'agent_best.safetensors', 100), (SAVED, 100):
        run(*CARTPOLE, f'checkpoint={which}', 'train_steps=0')
        assert int(table(f'{PREFIX}_Eval.csv')[-1]['step']) == step
    capsys.readouterr()
    run(*CARTPOLE, 'checkpoint=33', 'train_steps=0', status=2)
    assert 'agent_33.safetensors' in capsys.readouterr().err


def test_a_loaded_agent_is_filmed(capsys):
    run(*CARTPOLE)
    before = files()
    run(*CARTPOLE, 'record=true')
    after = files()
    video = f'{PREFIX}_Video_Image/60_recorded.mp4'
    assert f'Recorded: {video}' in capsys.readouterr().out and b'ftyp' in after[video][:12]
    changed = {name for name in after if before.get(name) != after[name]}
    assert changed == {video, f'{PREFIX}_Eval.csv', f'{PREFIX}_Run.json'}
    evaluations = table(f'{PREFIX}_Eval.csv')
    assert [row['step'] for row in evaluations] == ['0', '60', '60']
    assert evaluations[1]['reward'] == evaluations[2]['reward']  # the same episodes
    run('task=classify/digits', 'record=true', status=2)
    assert 'none here' in capsys.readouterr().err
