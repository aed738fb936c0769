"""Film virtual volunteers, pass the films through BlazePose and keep what it saw beside the truth."""
