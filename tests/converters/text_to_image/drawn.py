"""Pictures as an image endpoint may send them."""

from PIL import Image

from tests.media_files import saved


def picture(colour="green", kind="PNG", size=(32, 24)):
    """Bytes of a picture of one colour with a white corner, so that it is not blank."""
    drawn = Image.new("RGB", size, colour)
    drawn.paste("white", (0, 0, 8, 8))
    return saved(drawn, kind)


def blank(kind="PNG"):
    return saved(Image.new("RGB", (32, 24), "black"), kind)
