"""The state of a MuJoCo simulation."""

import numpy as np


def test_what_was_changed_in_mujocos_model_is_saved():
    import mujoco

    from Datasets.Suites.Support.MuJoCoState import Physics

    def build():
        model = mujoco.MjModel.from_xml_string(
            '<mujoco><worldbody><geom type="plane" size="1 1 1"/><body pos="0 0 .5"><freejoint/>'
            '<geom size=".1 .2 .3" type="box"/></body></worldbody></mujoco>'
        )
        return Physics(model, mujoco.MjData(model))

    one, other = build(), build()
    one.model.geom_size[1] = 0.15
    one.model.opt.gravity[2] = -20
    one.data.qvel[3:] = 1, 2, 3
    mujoco.mj_step(one.model, one.data, 150)  # it lies on the plane
    state = one.state()
    assert list(state['model']) == ['geom_size'] and one.data.ncon > 0
    other.restore(state)
    for physics in (one, other):
        mujoco.mj_step(physics.model, physics.data, 100)
    assert np.array_equal(one.state()['integration'], other.state()['integration'])
