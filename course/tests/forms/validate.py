"""Reads what the runner wrote by programs that nobody here wrote, and ends with 1 when one of them refuses it.

    validate.py junit FILE        lxml, against the schema of Jenkins' xunit plugin (junit-10.xsd)
    validate.py gradescope FILE   fastjsonschema, against the documented form (gradescope.json); then gslocal, which runs
                                  Gradescope's autograders on one's own machine, prints what it understood
"""

import json
import pathlib
import sys

here = pathlib.Path(__file__).parent
form, file = sys.argv[1:]

if form == "junit":
    from lxml import etree

    etree.XMLSchema(etree.parse(here / "junit-10.xsd")).assertValid(etree.parse(file))
elif form == "gradescope":
    import fastjsonschema
    from gslocal.results import format_results

    schema = json.loads((here / "gradescope.json").read_text())
    fastjsonschema.compile(schema)(json.loads(pathlib.Path(file).read_text()))
    format_results(pathlib.Path(file))
else:
    sys.exit(f"{form}: neither junit nor gradescope")
