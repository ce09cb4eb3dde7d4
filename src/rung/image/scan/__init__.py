"""The packages in an image, their vulnerabilities, and bills of both: what `rung image scan` knows."""
