"""LinkChecker on a folder of pages: every link between them, every anchor. Nothing outside is asked for.

Not into print.html, which has all pages in one, and thousands of anchors: for each of them it is read again.

    link_checker.py FOLDER/index.html

Run as root it becomes `nobody`, who may not be allowed to read a checkout: here it is told that it is not root.
"""
import os
import sys
import tempfile

from linkcheck.command.linkchecker import linkchecker

os.geteuid = lambda: 1000
with tempfile.NamedTemporaryFile("w", suffix=".ini") as settings:
    settings.write("[AnchorCheck]\n[filtering]\ncheckextern=0\nignore=print\\.html\n[checking]\nthreads=2\n[output]\nstatus=0\n")
    settings.flush()
    sys.argv = ["linkchecker", "-f", settings.name, *sys.argv[1:]]
    linkchecker()
