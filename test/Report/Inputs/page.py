#!/usr/bin/env python3
"""page.py FILE...: checks that a page is complete and self-contained: every tag is closed, nothing is loaded, no text of a chart
leaves it or overlaps another."""
import html.parser
import sys

VOID = {"meta"}
LOADING = {"src", "href", "srcset", "xlink:href", "action", "data"}
WIDTH = 7  # approximate width of a character of 13 px


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.faults, self.texts, self.box, self.pending = [], [], [], None, None
        self.counts = {}

    def fault(self, what):
        self.faults.append(f"line {self.getpos()[0]}: {what}")

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.counts[tag] = self.counts.get(tag, 0) + 1
        for name in LOADING & set(attributes):
            self.fault(f"<{tag}> loads {attributes[name]}")
        if tag in {"script", "link", "iframe", "img"}:
            self.fault(f"<{tag}> in a page that stands alone")
        if tag == "svg":
            self.box, self.texts = [float(number) for number in attributes["viewbox"].split()], []
        if tag == "text":
            self.pending = attributes
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.counts[tag] = self.counts.get(tag, 0) + 1

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.fault(f"</{tag}> closes what is not open")
        if tag == "svg":
            self.check_texts()
        if tag == "text":
            self.pending = None

    def handle_data(self, data):
        if self.open and self.open[-1] == "style" and ("url(" in data or "@import" in data):
            self.fault("the style loads something")
        if self.pending:
            x, y, length = float(self.pending["x"]), float(self.pending["y"]), WIDTH * len(data)
            left = x - {"start": 0, "middle": length / 2, "end": length}[self.pending["text-anchor"]]
            self.texts.append((left, left + length, y, data))

    def check_texts(self):
        for i, (left, right, y, data) in enumerate(self.texts):
            if left < -1 or right > self.box[2] + 1 or y < 8 or y > self.box[3]:
                self.fault(f"'{data}' leaves its chart")
            for other_left, other_right, other_y, other in self.texts[:i]:
                if abs(y - other_y) < 12 and left < other_right and other_left < right:
                    self.fault(f"'{data}' lies on '{other}'")


def main():
    status = 0
    for path in sys.argv[1:]:
        page = Page()
        with open(path, encoding="utf-8") as file:
            page.feed(file.read())
        page.close()
        if page.open:
            page.fault(f"not closed: {page.open}")
        for needed in ("svg", "rect", "polyline", "table"):
            if not page.counts.get(needed):
                page.fault(f"has no <{needed}>")
        for fault in page.faults:
            print(f"{path}: {fault}")
            status = 1
    if not status:
        print(f"{len(sys.argv) - 1} whole")
    return status


if __name__ == "__main__":
    sys.exit(main())
