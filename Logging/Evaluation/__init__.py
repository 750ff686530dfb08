"""Reports of evaluations: scores, accuracy, fidelity of generated images, samples, videos."""
