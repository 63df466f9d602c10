"""What is left of the sites where a caller has asked for answers in another shape.

    python3 shapes.py MARK_SITES answers/MODEL.jsonl...

MARK_SITES is the built example of that name. Each answer is given each shape, outside of code in fences, as a model would that was asked for
it: all of it between tags, a sentence on each line, lines of 50 columns, every line a quotation. Told are
the sites by shape, in percent of those of the answers as they are.
"""
import json
import re
import subprocess
import sys
import tempfile
import textwrap

END = re.compile(r"(?<=[.!?])[\"”)]*\s+(?=[A-Z\"“(])")


def prose(of_line):
    """A change of every line outside of fences."""
    def changed(text):
        fenced, lines = False, []
        for line in text.split("\n"):
            fence = line.lstrip().startswith("```")
            lines.append(line if fenced or fence else of_line(line))
            fenced ^= fence
        return "\n".join(lines)
    return changed


def wrapped(line):
    indent = re.match(r"\s*", line).group()
    return textwrap.fill(line, 50, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


SHAPES = {
    "as they are": lambda text: text,
    "between <answer> tags": lambda text: f"<answer>\n{text}\n</answer>",
    "between <answer> tags, on one line": lambda text: f"<answer>{text}</answer>",
    "one sentence a line": prose(lambda line: END.sub("\n", line)),
    "lines of 50 columns": prose(wrapped),
    "every line quoted": lambda text: "\n".join("> " + line if line else ">" for line in text.split("\n")),
}


def main():
    program, *files = sys.argv[1:]
    answers = [json.loads(line)["output"] for path in files for line in open(path)]
    usual = None
    for name, shape in SHAPES.items():
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as shaped:
            for text in answers:
                print(json.dumps({"output": shape(text)}), file=shaped)
            shaped.flush()
            told = subprocess.run([program, "plain", shaped.name], capture_output=True, check=True, text=True).stdout
        sites = sum(len(json.loads(line)["sites"]) for line in told.splitlines())
        usual = usual or sites
        print(f"{name}\t{sites}\t{100 * sites / usual:.1f} %", flush=True)


if __name__ == "__main__":
    main()
