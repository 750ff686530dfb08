"""What an evaluation reports: scores, accuracy, fidelity of images, samples, videos."""
