// A page that was opened as a file may start no worker: its script then runs in a hidden frame.
if (location.protocol === "file:") {
  window.Worker = class {
    constructor(url) {
      const frame = document.createElement("iframe")
      frame.hidden = true
      document.body.append(frame)
      this.inside = frame.contentWindow
      this.frame = frame
      this.waiting = {}
      this.inside.postMessage = data => this.onmessage?.({ data: structuredClone(data) })
      this.ready = new Promise((resolve, reject) => {
        const script = frame.contentDocument.createElement("script")
        Object.assign(script, { src: url, onload: resolve, onerror: reject })
        frame.contentDocument.body.append(script)
      })
    }
    postMessage(data) { // of what is asked while one types only the last is answered: the page stands still meanwhile
      clearTimeout(this.waiting[data.type])
      const answer = () => this.inside.onmessage({ data: structuredClone(data) })
      this.waiting[data.type] = setTimeout(() => this.ready.then(answer, error => this.onerror?.(error)), 100)
    }
    terminate() {
      this.frame.remove()
    }
  }
}
