"""Draw virtual volunteers as a camera would see them; the only package that imports VTK."""
