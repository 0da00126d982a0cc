#!/usr/bin/python3
"""Evidence files for the demo and the tests, made from nothing.

    make_attachments.py DIR              statement.pdf and photograph.jpg in DIR
    make_attachments.py --size N NAME    NAME with N random bytes (N may end in
                                         K, M or G)

The PDF has several pages of plain, uncompressed text with the demo's canary
sentence in it.  The photograph is a baseline JPEG, written by the small encoder
below; the same every time.
"""
import math
import os
import sys

CANARY = "The lamp above the third door was always green."

STORY = [
    "Statement, read back in Arabic on 10 March 2026 and corrected by her.",
    "I came with the lady of the house. She answered all questions for me.",
    "At night I lay in the laundry room and counted what I could see: the "
    "boiler with its small blue flame, the machine, three doors.",
    CANARY,
    "When it turned red somebody had gone out, and I was to stay where I was.",
    "There was a sheet of paper with squares on it. The number at its foot "
    "never went down. When a plate broke it went up.",
    "I was driven to the sea in a white van, on a folded carpet. I was given "
    "an apron. I was not asked.",
    "I walked away on the night of the alarm. I was astonished that my legs "
    "did it.",
    "This was written down once and I would like it to be read many times, so "
    "that I need not tell it again.",
]


# ---- PDF -------------------------------------------------------------------

def wrapped(text, columns):
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > columns:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line


def pdf_pages(pages):
    for number in range(1, pages + 1):
        lines = [f"Page {number} of {pages}", ""]
        for paragraph in STORY:
            # The canary stays in one piece, so that a search finds it.
            lines += [paragraph] if paragraph == CANARY else \
                list(wrapped(paragraph, 78))
            lines.append("")
        yield lines


def pdf_stream(lines):
    out = ["BT /F1 11 Tf 15 TL 60 780 Td"]
    for line in lines:
        safe = line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        out.append(f"({safe}) Tj T*")
    return "\n".join(out + ["ET"]).encode("ascii")


def pdf(pages):
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"",
               b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids = []
    for lines in pdf_pages(pages):
        stream = pdf_stream(lines)
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream"
                       % (len(stream), stream))
        objects.append(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] "
                       b"/Resources << /Font << /F1 3 0 R >> >> "
                       b"/Contents %d 0 R >>" % len(objects))
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (
        b" ".join(kids), len(kids))
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    xref = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % at for at in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1, xref)
    return bytes(out)


# ---- JPEG: baseline, grey, ITU-T T.81 ---------------------------------------

ZIGZAG = sorted(range(64), key=lambda i: (
    i // 8 + i % 8,
    i // 8 if (i // 8 + i % 8) % 2 else -(i // 8)))
# Fine steps: the file shall be of the size that a telephone makes.
QUANT = [3 + (i // 8 + i % 8) // 3 for i in range(64)]
# Tables K.3 and K.5 of T.81.
DC_BITS = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]
DC_VALUES = list(range(12))
AC_BITS = [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125]
AC_VALUES = bytes.fromhex(
    "01020300041105122131410613516107227114328191a1082342b1c11552d1f0"
    "2433627282090a161718191a25262728292a3435363738393a43444546474849"
    "4a535455565758595a636465666768696a737475767778797a83848586878889"
    "8a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5"
    "c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8"
    "f9fa")
COS = [[math.cos((2 * x + 1) * u * math.pi / 16) / 2
        * (math.sqrt(0.5) if u == 0 else 1) for x in range(8)]
       for u in range(8)]


def huffman(bits, values):
    table, code, k = {}, 0, 0
    for length, count in enumerate(bits, 1):
        for _ in range(count):
            table[values[k]] = (code, length)
            code, k = code + 1, k + 1
        code <<= 1
    return table


class BitWriter:
    def __init__(self):
        self.out, self.acc, self.n = bytearray(), 0, 0

    def put(self, value, length):
        self.acc = self.acc << length | value
        self.n += length
        while self.n >= 8:
            self.n -= 8
            byte = self.acc >> self.n & 255
            self.out.append(byte)
            if byte == 255:
                self.out.append(0)
        self.acc &= (1 << self.n) - 1

    def number(self, value):
        size = abs(value).bit_length()
        self.put(value if value > 0 else value + (1 << size) - 1, size)


def dct(block):
    rows = [[sum(r[x] * COS[u][x] for x in range(8)) for u in range(8)]
            for r in block]
    return [round(sum(rows[y][u] * COS[v][y] for y in range(8))
                  / QUANT[v * 8 + u]) for v in range(8) for u in range(8)]


def put_block(w, coeffs, last_dc, dc, ac):
    diff = coeffs[0] - last_dc
    w.put(*dc[abs(diff).bit_length()])
    w.number(diff)
    run = 0
    for i in ZIGZAG[1:]:
        if coeffs[i] == 0:
            run += 1
            continue
        while run > 15:
            w.put(*ac[0xf0])
            run -= 16
        w.put(*ac[run << 4 | abs(coeffs[i]).bit_length()])
        w.number(coeffs[i])
        run = 0
    if run:
        w.put(*ac[0])


def pixels(width, height):
    """A sheet with squares under a lamp, in the grain of a cheap camera."""
    seed = 1
    for y in range(height):
        row = []
        for x in range(width):
            seed = seed * 1103515245 + 12345 & 0x7fffffff
            light = 120 * math.exp(-((x - width / 3) ** 2 + (y - height / 4) ** 2)
                                   / (width * height / 6))
            lines = -50 if x % 56 < 2 or y % 56 < 2 else 0
            grain = (seed >> 16) % 33 - 16
            row.append(max(-128, min(127, light - 40 + lines + grain)))
        yield row


def segment(marker, body):
    return bytes([255, marker]) + (len(body) + 2).to_bytes(2, "big") + body


def jpeg(width, height):
    dc, ac = huffman(DC_BITS, DC_VALUES), huffman(AC_BITS, AC_VALUES)
    image, w, last = list(pixels(width, height)), BitWriter(), 0
    for by in range(0, height, 8):
        for bx in range(0, width, 8):
            coeffs = dct([row[bx:bx + 8] for row in image[by:by + 8]])
            put_block(w, coeffs, last, dc, ac)
            last = coeffs[0]
    w.put(127, 7)
    return b"".join([
        b"\xff\xd8",
        segment(0xe0, b"JFIF\0\1\1\0\0\1\0\1\0\0"),
        segment(0xdb, b"\0" + bytes(QUANT[i] for i in ZIGZAG)),
        segment(0xc0, b"\x08" + height.to_bytes(2, "big")
                + width.to_bytes(2, "big") + b"\x01\x01\x11\x00"),
        segment(0xc4, b"\x00" + bytes(DC_BITS) + bytes(DC_VALUES)),
        segment(0xc4, b"\x10" + bytes(AC_BITS) + AC_VALUES),
        segment(0xda, b"\x01\x01\x00\x00\x3f\x00"),
        bytes(w.out), b"\xff\xd9"])


# ---- files ------------------------------------------------------------------

def write(path, data):
    with open(path, "wb") as f:
        f.write(data)


def write_random(path, text):
    unit = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(text[-1:].upper(), 1)
    left = int(text[:-1] if unit > 1 else text) * unit
    with open(path, "wb") as f:
        while left > 0:
            left -= f.write(os.urandom(min(left, 1 << 20)))


def main(argv):
    if len(argv) == 4 and argv[1] == "--size":
        write_random(argv[3], argv[2])
    elif len(argv) == 2 and not argv[1].startswith("-"):
        os.makedirs(argv[1], exist_ok=True)
        write(os.path.join(argv[1], "statement.pdf"), pdf(6))
        write(os.path.join(argv[1], "photograph.jpg"), jpeg(928, 696))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv)
