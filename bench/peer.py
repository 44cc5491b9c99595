"""The steps of the library `face_recognition`: dlib's HOG detector upsampled once, 5 points, dlib's features."""

import io
from importlib import metadata
from pathlib import Path

import dlib
import numpy as np
import numpy.typing as npt
from PIL import Image

Numbers = npt.NDArray[np.float64]


def _model(name: str) -> str:
    files = metadata.files("face-recognition-models") or []
    return str(next(Path(str(file.locate())) for file in files if file.name == name))


class Peer:
    """One dlib chain, single-threaded as dlib is."""

    def __init__(self) -> None:
        """Load detector, landmarks and features."""
        self._detector = dlib.get_frontal_face_detector()
        self._points = dlib.shape_predictor(_model("shape_predictor_5_face_landmarks.dat"))
        self._features = dlib.face_recognition_model_v1(_model("dlib_face_recognition_resnet_model_v1.dat"))

    def template(self, data: bytes) -> Numbers | None:
        """Return the features of the face nearest the middle of a picture, or None where none is found."""
        with Image.open(io.BytesIO(data)) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        found = self._detector(pixels, 1)
        if not found:
            return None
        tall, wide = pixels.shape[:2]
        face = min(found, key=lambda box: np.hypot(box.left() + box.right() - wide, box.top() + box.bottom() - tall))
        return np.array(self._features.compute_face_descriptor(pixels, self._points(pixels, face)))

    def features(self, chip: npt.NDArray[np.uint8]) -> Numbers:
        """Return the features of an aligned chip, 150 × 150 × 3."""
        return np.array(self._features.compute_face_descriptor(chip))
