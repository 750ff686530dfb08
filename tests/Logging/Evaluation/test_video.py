"""Videos decode to what was written, grids show their images, and neither ever stops a run."""

import subprocess

import numpy as np
import pytest
import torch
from PIL import Image

from Logging.Evaluation import Video
from Logging.Evaluation.Video import save_grid, save_video


@pytest.fixture(autouse=True)
def untold(monkeypatch):
    monkeypatch.setattr(Video, '_said', set())


def decode(path):
    from imageio_ffmpeg import read_frames

    frames = read_frames(str(path))
    width, height = next(frames)['size']
    return np.stack([np.frombuffer(frame, np.uint8).reshape(height, width, 3) for frame in frames])  # [T, H, W, 3]


def clip(length=12, height=84, width=84):
    frames = np.zeros((length, height, width, 3), np.uint8)
    for t in range(length):
        frames[t, 40:60, 2 * t : 2 * t + 20] = 255
    return frames


def test_a_video_decodes_to_the_same_frames_enlarged(tmp_path):
    frames = clip()
    path = save_video(tmp_path / 'new/500.mp4', frames, fps=15)
    assert path == tmp_path / 'new/500.mp4'
    found = decode(path)
    assert found.shape == (12, 336, 336, 3)
    small = found[:, 2::4, 2::4].astype(int)  # the middle of each square of 4 x 4
    assert np.abs(small - frames).mean() < 3
    assert [file.name for file in path.parent.iterdir()] == ['500.mp4']


def test_odd_sides_are_padded_and_the_format_is_what_players_show(tmp_path):
    from imageio_ffmpeg import get_ffmpeg_exe

    path = save_video(tmp_path / 'odd.mp4', clip(3, 211, 401), fps=30)
    assert decode(path).shape == (3, 212, 402, 3)
    words = subprocess.run([get_ffmpeg_exe(), '-i', str(path)], capture_output=True, text=True).stderr
    assert 'h264' in words and 'yuv420p' in words and '30 fps' in words


def test_a_machine_without_ffmpeg_is_told_once(tmp_path, monkeypatch, capsys):
    def missing():
        raise RuntimeError('No ffmpeg exe could be found')

    monkeypatch.setattr('imageio_ffmpeg.get_ffmpeg_exe', missing)
    assert save_video(tmp_path / '1.mp4', clip()) is None
    assert save_video(tmp_path / '2.mp4', clip()) is None
    assert capsys.readouterr().err.count('No ffmpeg exe could be found') == 1
    assert not list(tmp_path.iterdir())


def test_a_failing_ffmpeg_keeps_the_old_video(tmp_path, monkeypatch, capsys):
    path = save_video(tmp_path / '1.mp4', clip())
    before = path.read_bytes()
    monkeypatch.setattr('imageio_ffmpeg.get_ffmpeg_exe', lambda: 'false')
    assert save_video(path, clip()) is None
    assert path.read_bytes() == before and [file.name for file in tmp_path.iterdir()] == ['1.mp4']
    assert 'No video' in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_does_not_stop_a_run(tmp_path, capsys):
    (tmp_path / 'file').write_text('')
    assert save_grid(tmp_path / 'file/grid.png', np.zeros((1, 1, 8, 8), np.uint8)) is None
    assert save_video(tmp_path / 'file/1.mp4', clip()) is None
    assert capsys.readouterr().err.count('the run continues') == 2


@pytest.mark.parametrize(
    'frames', [np.zeros((0, 8, 8, 3), np.uint8), np.zeros((2, 8, 8, 3)), np.zeros((8, 8, 3), np.uint8)]
)
def test_wrong_frames_are_an_error_of_the_caller(tmp_path, frames):
    with pytest.raises(ValueError, match=r'\[T, H, W, 3\]'):
        save_video(tmp_path / '1.mp4', frames)


def test_a_grid_is_square_and_shows_each_image_in_its_place(tmp_path):
    images = np.stack([np.full((3, 32, 32), shade, np.uint8) for shade in range(0, 250, 50)])  # 5 images: 3 columns
    images[:, 0] = 7  # the red channel
    sheet = np.asarray(Image.open(save_grid(tmp_path / 'grid.png', torch.from_numpy(images))))
    side = 640 // 96 * 32
    assert sheet.shape == (2 * side + 2, 3 * side + 4, 3)
    for index in range(5):
        row, column = divmod(index, 3)
        cell = sheet[row * (side + 2) :][:side, column * (side + 2) :][:, :side]
        assert (cell == (7, 50 * index, 50 * index)).all()
    assert (sheet[side : side + 2] == 255).all()  # between the rows
    assert (sheet[side + 2 :, 2 * (side + 2) :] == 255).all()  # the empty place


def test_a_grid_of_gray_images_and_of_stacks(tmp_path):
    gray = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1) * np.ones((1, 1, 28, 28), np.uint8)
    sheet = np.asarray(Image.open(save_grid(tmp_path / 'gray.png', gray)))
    assert sheet.shape[2] == 3 and sheet[0, 0].tolist() == [0, 0, 0] and sheet[-1, -1].tolist() == [3, 3, 3]
    stack = np.repeat(np.arange(9, dtype=np.uint8), 64).reshape(1, 9, 8, 8)
    sheet = np.asarray(Image.open(save_grid(tmp_path / 'stack.png', stack)))
    assert (sheet == (6, 7, 8)).all()
    sheet = np.asarray(Image.open(save_grid(tmp_path / 'four.png', stack[:, :4])))
    assert (sheet == 3).all()
    with pytest.raises(ValueError, match='uint8'):
        save_grid(tmp_path / 'float.png', torch.zeros(4, 1, 8, 8))
