import { StrictMode, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { measured } from '../measurements.js';
import { usePredictor } from './predictor.js';

function App() {
  const [text, setText] = useState(measured.trim());
  const [architecture, setArchitecture] = useState('421211');
  const { predictor, problem } = usePredictor(text);
  return (
    <main>
      <h1>A device of which some cells were measured</h1>
      <label>
        Measurements
        <br />
        <textarea rows={22} cols={40} value={text} onChange={(event) => setText(event.target.value)} />
      </label>
      <p>
        <label>
          Cell <input value={architecture} onChange={(event) => setArchitecture(event.target.value)} />
        </label>{' '}
        {predictor && <Estimate predictor={predictor} architecture={architecture} />}
        {problem && <output>{problem}</output>}
      </p>
    </main>
  );
}

function Estimate({ predictor, architecture }) {
  const [shown, setShown] = useState('');
  useEffect(() => {
    let current = true;
    const show = (what) => current && setShown(what);
    predictor.intervals([architecture]).then(
      ({ low, latency_ms, high }) => show(`${latency_ms[0].toFixed(2)} ms, 90 % between ${low[0].toFixed(2)} and ${high[0].toFixed(2)}`),
      (reason) => show(reason.message),
    );
    return () => (current = false);
  }, [predictor, architecture]);
  return <output>{shown}</output>;
}

createRoot(document.body).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
