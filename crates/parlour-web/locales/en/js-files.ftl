# What the scripts of a room say about files; the ids begin with js-.

js-copied = Copied
js-copy-failed = Copying did not work here.
js-drop = { $n ->
        [one] Drop { $n } file into { $room }
       *[other] Drop { $n } files into { $room }
    }
js-drop-some = Drop files into { $room }
js-fail-big = Not sent: a file is larger than this server takes.
js-fail-files = Not sent: its files are not here any more. Attach them again.
js-fail-full = Not sent: the server has no room left for files.
js-fail-quota = Not sent: your space for files is used up.
js-fail-stopped = Not sent: you stopped it.
js-file-copy = Copy link to { $name }
js-file-download = Download { $name }
js-files = Files
js-files-all = All
js-files-audio = Audio
js-files-document = Documents
js-files-failed = The files could not be read. Try again.
js-files-image = Images
js-files-kind = Kind of file
js-files-more = Show more
js-files-none = No files of this kind yet.
js-files-of = Files in { $name }
js-files-shown = { $n ->
        [one] { $n } file shown
       *[other] { $n } files shown
    }
js-files-video = Video
js-key-attach = Attach files
js-row-files = { $n ->
        [one] { $n } file
       *[other] { $n } files
    }
js-row-images = { $n ->
        [one] { $n } image
       *[other] { $n } images
    }
js-tray = Files to send
js-tray-added = { $n ->
        [one] { $n } file attached
       *[other] { $n } files attached
    }
js-tray-alt = Describe this image
js-tray-alt-of = Description of { $name }
js-tray-big = { $name } has { $size }; this server takes up to { $max }.
js-tray-empty = { $name } is empty.
js-tray-many = { $n ->
        [one] A message takes { $max } files; { $n } was left out.
       *[other] A message takes { $max } files; { $n } were left out.
    }
js-tray-remove = Remove { $name }
js-tray-removed = { $name } removed
js-tray-unreadable = { $name } cannot be read.
js-unkept = This browser cannot keep the files: leave the page open until they are sent.
js-upload = Upload
js-upload-of = { $sent } of { $total }
js-upload-stop = Stop the upload
js-view = Image
js-view-failed = { $name } could not be loaded.
js-view-in = Zoom in
js-view-next = Next image
js-view-out = Zoom out
js-view-place = { $n } of { $of }
js-view-prev = Previous image
